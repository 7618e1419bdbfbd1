"""A classifier behind a defence under Gaussian noise, whose decision within a radius can be certified."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.seeding import Id, generator
from spurious.statistics.randomized_smoothing import certified_radius, leads


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What is certified of an image: every image within the L2 `radius` has its smoothed decision.

    `decision` is a class, REJECTED, or ABSTAINED with a radius of 0. `count` of the n draws named it.
    """

    decision: int
    radius: float
    count: int


class Smoothed:
    """g(x): the decision that is likeliest for x + N(0, sigma^2 I), of the K classes and the rejection.

    `scores` gives (n, K + 1) of images (n, C, H, W), the last that of a rejection, as `Defended.scores`. The noise is
    added to the image as it is given and not clamped: the radius is in the pixel units, and at the size, of the image.
    What is drawn depends on (seed, sigma, id) and on what it is for, not on `batch_size`, the number of images that
    `scores` gets at once, nor on other images: on the CPU, one draw after the other.

    >>> import torch
    >>> from spurious.defences.smoothed import Smoothed
    >>> def scores(images):  # dark, bright, rejection
    ...     bright = images.mean((1, 2, 3)) - 0.5
    ...     return torch.stack([-bright, bright, torch.full_like(bright, -1.0)], 1)
    >>> image = torch.full((1, 4, 4), 0.6)  # 0.4 from the nearest image of the other class: 0.1 on each of 16 pixels
    >>> smoothed = Smoothed(scores, 0.25, seed=0, batch_size=500)
    >>> certificate = smoothed.certify(image, "one", n0=100, n=1000, alpha=0.001)
    >>> certificate.decision, 0.3 < certificate.radius < 0.4
    (1, True)
    >>> smoothed.predict(image, "one", n=1000, alpha=0.001)
    1
    """

    def __init__(self, scores: Scores, sigma: float, *, seed: int, batch_size: int):
        self.scores, self.sigma, self.seed, self.batch_size = scores, sigma, seed, batch_size

    def draws(self, image: Tensor, name: Id, count: int, purpose: str) -> Iterator[Tensor]:
        """`count` noisy images of image (C, H, W), in batches (n, C, H, W); the memory of one is used for all."""
        source = generator(self.seed, "smoothed", purpose, float(self.sigma), name)
        noise = torch.empty(min(count, self.batch_size), *image.shape)
        for start in range(0, count, self.batch_size):
            batch = noise[: count - start]
            for draw in batch:
                draw.normal_(generator=source)
            yield batch.to(image.device).mul_(self.sigma).add_(image)

    @torch.no_grad()
    def counts(self, image: Tensor, name: Id, count: int, purpose: str) -> Tensor:
        """How often each of the K + 1 decisions is made in `count` draws, int64 (K + 1,) on the CPU."""
        decisions = []
        for noisy in self.draws(image, name, count, purpose):
            scores = self.scores(noisy)
            decisions.append(scores.argmax(1))
        return torch.cat(decisions).bincount(minlength=scores.shape[1]).cpu()

    def certify(self, image: Tensor, name: Id, *, n0: int, n: int, alpha: float) -> Certificate:
        """CERTIFY: the decision by n0 draws, its radius by n others; wrong with probability `alpha` at most."""
        chosen = int(self.counts(image, name, n0, "selection").argmax())
        counts = self.counts(image, name, n, "estimation")
        count = int(counts[chosen])
        radius = float(certified_radius(count, n, alpha, self.sigma))
        decision = _decision(chosen, counts) if radius > 0 else ABSTAINED
        return Certificate(decision=decision, radius=radius, count=count)

    def predict(self, image: Tensor, name: Id, *, n: int, alpha: float) -> int:
        """PREDICT: the decision, ABSTAINED where n draws do not tell; another than g's with probability `alpha`."""
        counts = self.counts(image, name, n, "prediction")
        (first, second), (chosen, _) = (part.tolist() for part in counts.topk(2))
        return _decision(chosen, counts) if leads(first, second, alpha) else ABSTAINED


def _decision(chosen: int, counts: Tensor) -> int:
    return REJECTED if chosen == len(counts) - 1 else chosen
