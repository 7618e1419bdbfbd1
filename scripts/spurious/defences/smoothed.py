"""A classifier behind a defence under Gaussian noise, whose decision within a radius can be certified."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from spurious.attacks.scores import Scores
from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.seeding import Id, generator
from spurious.statistics.randomized_smoothing import certified_radius, leads

ScoresOfAll = Callable[[Tensor], Sequence[Tensor]]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What is certified of an image: every image within the L2 `radius` has its smoothed decision.

    `decision` is a class, REJECTED, or ABSTAINED with a radius of 0. `count` of the n draws named it.
    """

    decision: int
    radius: float
    count: int


@dataclass(frozen=True)
class Noise:
    """N(0, sigma^2 I), added to the image as it is given, in its own pixel units and size, and not clamped.

    What is drawn depends on (seed, sigma, id) and on what it is for, not on `batch_size`, the number of images that are
    judged at once, nor on other images: on the CPU, one draw after the other.
    """

    sigma: float
    seed: int
    batch_size: int

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
    def counts(self, scores_of_all: ScoresOfAll, image: Tensor, name: Id, count: int, purpose: str) -> Tensor:
        """How often each of the K + 1 decisions is made in `count` draws, int64 (S, K + 1) on the CPU.

        `scores_of_all` gives the scores (n, K + 1) of S classifiers, all of which get the same draws.
        """
        counted = 0
        for noisy in self.draws(image, name, count, purpose):
            scores = torch.stack(scores_of_all(noisy))
            counted += one_hot(scores.argmax(2), scores.shape[2]).sum(1).cpu()
        return counted

    def certify(
        self, scores_of_all: ScoresOfAll, image: Tensor, name: Id, *, n0: int, n: int, alpha: float
    ) -> list[Certificate]:
        """`Smoothed.certify` of each of the classifiers, by the same draws."""
        selection = self.counts(scores_of_all, image, name, n0, "selection")
        estimation = self.counts(scores_of_all, image, name, n, "estimation")
        return [
            self._certificate(int(first.argmax()), counts, n, alpha)
            for first, counts in zip(selection, estimation, strict=True)
        ]

    def _certificate(self, chosen: int, counts: Tensor, n: int, alpha: float) -> Certificate:
        count = int(counts[chosen])
        radius = float(certified_radius(count, n, alpha, self.sigma))
        decision = _decision(chosen, counts) if radius > 0 else ABSTAINED
        return Certificate(decision=decision, radius=radius, count=count)


class Smoothed:
    """g(x): the decision that is likeliest for x + N(0, sigma^2 I), of the K classes and the rejection.

    `scores` gives (n, K + 1) of images (n, C, H, W), the last that of a rejection, as `Defended.scores`.

    >>> import torch
    >>> from spurious.defences.smoothed import Noise, Smoothed
    >>> def scores(images):  # dark, bright, rejection
    ...     bright = images.mean((1, 2, 3)) - 0.5
    ...     return torch.stack([-bright, bright, torch.full_like(bright, -1.0)], 1)
    >>> image = torch.full((1, 4, 4), 0.6)  # 0.4 from the nearest image of the other class: 0.1 on each of 16 pixels
    >>> smoothed = Smoothed(scores, Noise(0.25, seed=0, batch_size=500))
    >>> certificate = smoothed.certify(image, "one", n0=100, n=1000, alpha=0.001)
    >>> certificate.decision, 0.3 < certificate.radius < 0.4
    (1, True)
    >>> smoothed.predict(image, "one", n=1000, alpha=0.001)
    1
    """

    def __init__(self, scores: Scores, noise: Noise):
        self.scores, self.noise = scores, noise

    def counts(self, image: Tensor, name: Id, count: int, purpose: str) -> Tensor:
        """How often each of the K + 1 decisions is made in `count` draws, int64 (K + 1,) on the CPU."""
        return self.noise.counts(self._alone, image, name, count, purpose)[0]

    def certify(self, image: Tensor, name: Id, *, n0: int, n: int, alpha: float) -> Certificate:
        """CERTIFY: the decision by n0 draws, its radius by n others; wrong with probability `alpha` at most."""
        return self.noise.certify(self._alone, image, name, n0=n0, n=n, alpha=alpha)[0]

    def predict(self, image: Tensor, name: Id, *, n: int, alpha: float) -> int:
        """PREDICT: the decision, ABSTAINED where n draws do not tell; another than g's with probability `alpha`."""
        counts = self.counts(image, name, n, "prediction")
        (first, second), (chosen, _) = (part.tolist() for part in counts.topk(2))
        return _decision(chosen, counts) if leads(first, second, alpha) else ABSTAINED

    def _alone(self, images: Tensor) -> list[Tensor]:
        return [self.scores(images)]


def _decision(chosen: int, counts: Tensor) -> int:
    return REJECTED if chosen == len(counts) - 1 else chosen
