"""Balls around images: their size, projection, directions and random members."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from spurious.seeding import generator

Id = int | str


class Ball(Protocol):
    """Where an attack may go: within `epsilon` of its start in the norm, and with `clamp` within [0, 1].

    `random_start`: whether it begins anywhere in the ball; `start`: whether that lies around an image or around noise.
    """

    epsilon: float
    norm: Literal["linf", "l2"]
    clamp: bool
    random_start: bool
    start: Literal["image", "noise"]


def start_noise(ids: Sequence[Id], shape: tuple[int, int, int], seed: int | str) -> Tensor:
    """Images (N, C, H, W) of noise U[0, 1], each decided by (seed, id)."""
    return drawn_by_id(ids, shape, lambda name: torch.rand(shape, generator=generator(seed, "start noise", name)))


def random_change(images: Tensor, ids: Sequence[Id], method: Ball, seed: int | str) -> Tensor:
    """The images (N, C, H, W) after a random change of the size that `method` allows: what fooling is compared with.

    Random signs times epsilon (linf), or a random direction of the length epsilon (l2), cut to [0, 1] where the method
    cuts. Images that start from noise are random themselves, and stay as they are.
    """
    if method.start == "noise":
        return images

    def change(name: Id) -> Tensor:
        drawn = torch.randn(images.shape[1:], generator=generator(seed, "random change", name))
        return drawn.sign() if method.norm == "linf" else drawn / drawn.norm()

    changed = images.detach() + method.epsilon * drawn_by_id(ids, images.shape[1:], change)
    return changed.clamp_(0, 1) if method.clamp else changed


def sizes(images: Tensor, start: Tensor) -> dict[str, Tensor]:
    """`l2` and `linf` (N,) of the change from `start` to `images`, both (N, C, H, W), in pixel units."""
    change = (images - start).flatten(1)
    return {"l2": change.norm(dim=1), "linf": change.abs().amax(1)}


def steepest(gradients: Tensor, norm: str) -> Tensor:
    """The signs (linf), or each image's gradient at length 1 (l2); 0 where the gradient is."""
    return gradients.sign() if norm == "linf" else F.normalize(gradients.flatten(1)).view_as(gradients)


def project(images: Tensor, start: Tensor, method: Ball) -> Tensor:
    """The nearest images within epsilon of `start`; then in [0, 1], which is not further from a start in [0, 1]."""
    if method.norm == "linf":
        images = images.clamp(start - method.epsilon, start + method.epsilon)
    else:
        images = start + (images - start).flatten(1).renorm(2, 0, method.epsilon).view_as(start)
    return images.clamp(0, 1) if method.clamp else images


def random_start(start: Tensor, ids: Sequence[Id], method: Ball, seed: int | str) -> Tensor:
    """Where the first gradient is taken: at `start`, or anywhere in the ball around it (uniform, then cut)."""
    if not method.random_start:
        return start
    pixels = start[0].numel()

    def change(name: Id) -> Tensor:
        draw = generator(seed, "random start", name)
        if method.norm == "linf":
            return 2 * torch.rand(start.shape[1:], generator=draw) - 1
        direction = torch.randn(start.shape[1:], generator=draw)
        return direction / direction.norm() * torch.rand((), generator=draw) ** (1 / pixels)

    return project(start + method.epsilon * drawn_by_id(ids, start.shape[1:], change), start, method)


def drawn_by_id(ids: Sequence[Id], shape: Sequence[int], draw: Callable[[Id], Tensor]) -> Tensor:
    """(N, *shape): what `draw` gives for each id."""
    return torch.stack([draw(name) for name in ids]) if len(ids) else torch.empty(0, *shape)
