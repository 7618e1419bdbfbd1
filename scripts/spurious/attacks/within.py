"""What attacks on the whole decision of a classifier share: where they may go, what they see, what they hand over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from spurious.attacks.margins import is_rejected, is_wrong
from spurious.perturbations.starts import IMAGE
from spurious.seeding import Id

LEVELS = 255  # of a pixel of 8 bits, above 0
Goal = Literal["wrong", "rejected"]  # a wrong class that is accepted, or a rejection


@dataclass(frozen=True, kw_only=True)
class Within:
    """The images in [0, 1] within `epsilon` of a start, in the norm of this name (see NORMS)."""

    norm: str
    epsilon: float
    clamp: Literal[True] = True
    start: str = IMAGE


class Attacked(Protocol):
    """A classifier of K + 1 classes, the last a rejection, on images (n, C, H, W) in [0, 1]."""

    def margins(self, images: Tensor) -> Tensor:
        """Margins (V, n, K) of its views; differentiable where an attack follows the gradient."""

    def scores(self, images: Tensor) -> Tensor:
        """Scores (n, K + 1) whose largest is the decision."""


@dataclass(frozen=True, kw_only=True)
class Starts:
    """What attacks start from: images (N, C, H, W), float32 in [0, 1], with their labels (N,), int64, and ids."""

    images: Tensor
    labels: Tensor
    ids: Sequence[Id]

    def first(self, count: int) -> "Starts":
        """The first `count` of them."""
        return Starts(images=self.images[:count], labels=self.labels[:count], ids=self.ids[:count])

    def at(self, places: Tensor) -> "Starts":
        """Those at `places` (n,)."""
        return Starts(
            images=self.images[places], labels=self.labels[places], ids=[self.ids[place] for place in places.tolist()]
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """Images (N, C, H, W) within the ball, and for each (N,) whether it has what the attack wants."""

    images: Tensor
    success: Tensor


def reached(scores: Tensor, labels: Tensor, goal: Goal) -> Tensor:
    """(n,) bool: whether scores (n, K + 1) are what an attack wants, a wrong class accepted, or a rejection."""
    return is_wrong(scores, labels) if goal == "wrong" else is_rejected(scores)


@torch.no_grad()
def judged(attacked: Attacked, images: Tensor, labels: Tensor, goal: Goal = "wrong") -> Found:
    """What an attack ends with: its images, judged again by the decision."""
    return Found(images=images.clone(), success=reached(attacked.scores(images), labels, goal))


def to_8_bits(images: Tensor, start: Tensor) -> Tensor:
    """Images rounded to whole levels of 255, every pixel towards `start`, which is in 8 bits; both (N, C, H, W).

    No pixel is moved away from its start, so that what was within a ball of any norm still is.
    """
    levels = (start * LEVELS).round()
    return (levels + (images * LEVELS - levels).trunc()) / LEVELS
