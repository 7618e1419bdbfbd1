"""Whether a training ended before its network had learned what it could."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

PART = 2 / 3  # of the steps, where the accuracy is compared with the last one
LEAST = 0.02  # a smaller rise is that of a learning rate which falls to zero, as on MNIST
ERRORS = 2.0  # standard errors of the difference


@dataclass(frozen=True, kw_only=True)
class Rise:
    """The validation accuracy at two thirds of the training and at its end, of `images` validation images."""

    before: float
    after: float
    images: int

    @property
    def clear(self) -> bool:
        """Whether it still rose: by more than .02 and by more than two standard errors of the difference.

        Those of two independent samples: both accuracies are of the same images, so the standard error is too large
        and what counts as clear is.
        """
        variance = sum(rate * (1 - rate) for rate in (self.before, self.after)) / self.images
        return self.after - self.before > max(LEAST, ERRORS * math.sqrt(variance))


def rise_of(steps: Sequence[int], accuracies: Sequence[float], images: int) -> Rise | None:
    """The rise over the rows of a training history; None where no row lies within its first two thirds."""
    before = [accuracy for step, accuracy in zip(steps, accuracies, strict=True) if step <= PART * steps[-1]]
    return Rise(before=before[-1], after=accuracies[-1], images=images) if before else None
