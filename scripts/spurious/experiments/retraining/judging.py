"""What a classifier that had no part in the search says of the images of the attack that does not give up."""

from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.attacks.settings import EVOLUTION, FROM_NOISE
from spurious.data.datasets import Dataset
from spurious.errors import SpuriousError
from spurious.experiments.retraining.settings import IS_EXAMPLE
from spurious.frames import require
from spurious.perturbations.noise_images import NOISE
from spurious.seeding import generator

SHOWN = 200  # test images, and as many of each noise, that show what a judge can tell
OF_NOISE = 0.05  # of the noise at most this share lies above a judge's limit
IMAGE = ["classifier", "negatives", "target", "round", "seed", "label", "image"]


class Judge:
    """A judge of one dataset's images, held against test images and noise before it is asked."""

    def __init__(self, scores: Scores, data: Dataset):
        self.scores, self.shape = scores, data.image_shape
        self.tells = what_it_tells(scores, data.pixels("test")[:SHOWN], data.labels["test"][:SHOWN])

    def rows(self, strong: pd.DataFrame, images: Mapping[str, Tensor]) -> pd.DataFrame:
        """IMAGE, `judge_p` and what the judge tells, a row for each of `strong`, of one arm and seed.

        `images`: `round<n>` (M, C, H, W), those of the rows of a round, in their order. Raises SpuriousError where
        there are others.
        """
        require(strong, IMAGE, "rows of the strong attack")
        parts = []
        for number, rows in strong.groupby("round", sort=False):
            pixels = images.get(f"round{number}")
            if pixels is None or pixels.shape != (len(rows), *self.shape):
                raise SpuriousError(f"round {number} has other images than rows; run that retraining again")
            labels = torch.tensor(rows["label"].to_numpy())
            p = self.scores(pixels).gather(1, labels[:, None])[:, 0]
            parts.append(rows[IMAGE].assign(judge_p=p.numpy(), **self.tells))
        return pd.concat(parts, ignore_index=True)


def what_it_tells(judge: Scores, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Whether a judge can tell examples from static: shares of what it calls an example.

    `judge_real`: of real `images` (N, C, H, W) it must name the label (N,) with p above .5. `judge_noise`: as many of
    each noise that searches start from, of which it may name any class. `limit` is .5, or the p that it gives to no
    more than OF_NOISE of this noise, where that is more; `limit_real`: the share of real images above it.
    """
    named = judge(images).gather(1, labels[:, None])
    kinds = [name for name in FROM_NOISE if name != EVOLUTION]
    called = torch.cat([judge(NOISE[name](images, generator("judge", name))).amax(1) for name in kinds])
    limit = max(IS_EXAMPLE, called.sort().values[-int(OF_NOISE * len(called)) - 1].item())
    return {
        "judge_real": _share(named, IS_EXAMPLE),
        "judge_noise": _share(called, IS_EXAMPLE),
        "limit": limit,
        "limit_real": _share(named, limit),
    }


def _share(p: Tensor, above: float) -> float:
    return (p > above).double().mean().item()
