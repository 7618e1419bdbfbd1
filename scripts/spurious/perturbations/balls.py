"""Balls around images: the members that attacks start from, move within and are compared with."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from spurious.perturbations.norms import NORMS
from spurious.perturbations.starts import IMAGE
from spurious.seeding import Id, drawn_by_id, generator


class Ball(Protocol):
    """Where an attack may go: within `epsilon` of its start in the norm, and with `clamp` within [0, 1].

    `norm` is the name of one of NORMS. `start` is the name of one of ATTACK_STARTS: what the ball lies around.
    """

    epsilon: float
    norm: str
    clamp: bool
    start: str


def random_perturbation(images: Tensor, ids: Sequence[Id], method: Ball, seed: int | str) -> Tensor:
    """The images (N, C, H, W) after a random change of the size that `method` allows: what fooling is compared with.

    Of the length epsilon in the norm, in a random direction, also where [0, 1] cuts it. Images that start from noise
    are random themselves, and stay as they are.
    """
    if method.start != IMAGE:
        return images
    norm, shape = NORMS[method.norm], images.shape[1:]
    change = drawn_by_id(ids, shape, lambda name: norm.random_direction(shape, generator(seed, "random change", name)))
    return pushed(images.detach(), change, method)


def sizes(images: Tensor, start: Tensor) -> dict[str, Tensor]:
    """`l2` and `linf` (N,) of the change from `start` to `images`, both (N, C, H, W), in pixel units."""
    return {name: NORMS[name].size(images - start) for name in ("l2", "linf")}


def project(images: Tensor, start: Tensor, method: Ball) -> Tensor:
    """The nearest images within epsilon of `start`; then in [0, 1], which is not further from a start in [0, 1]."""
    images = NORMS[method.norm].project(images, start, method.epsilon)
    return images.clamp(0, 1) if method.clamp else images


def pushed(start: Tensor, directions: Tensor, method: Ball) -> Tensor:
    """The images after a change along directions of size 1 (N, C, H, W), as large as the ball allows.

    What [0, 1] cuts off is made up for: they go twice as far as the ball, are cut to [0, 1], and then to the ball.
    """
    further = start + 2 * method.epsilon * directions
    return project(further.clamp(0, 1) if method.clamp else further, start, method)


def random_start(start: Tensor, ids: Sequence[Id], method: Ball, seed: int | str) -> Tensor:
    """Anywhere in the ball around `start` (N, C, H, W): uniform, then cut; decided by (seed, id)."""
    norm, shape = NORMS[method.norm], start.shape[1:]
    change = drawn_by_id(ids, shape, lambda name: norm.draw(shape, generator(seed, "random start", name)))
    return project(start + method.epsilon * change, start, method)
