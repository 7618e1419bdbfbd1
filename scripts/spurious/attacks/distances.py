"""An attack on nearest neighbours that looks at distances, not at scores: towards the stored images of a class."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spurious.attacks.evolution import Box

STEPS = 20
AT_ONCE = 200  # images whose distances to all stored ones are at hand at once


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What nearest neighbours consist of: images (M, pixels), labels (M,) int64; the nearest `count` of them vote."""

    images: Tensor
    labels: Tensor
    count: int


@torch.inference_mode()
def approach(stored: Stored, images: Tensor, targets: Tensor, box: Box, epsilon: float) -> Tensor:
    """Images (N, C, H, W) of the box around `images` that lie nearer to the stored ones of `targets` (N,).

    Of every image the `count` nearest stored ones of the target and of all other classes are looked up, and each pixel
    steps by 2.5 epsilon / STEPS towards the mean of the first and away from that of the others, which are then looked
    up again. The mean squared distance to the first minus that to the others is what falls, and the image where it is
    smallest is kept. No score is asked for: where votes are a staircase, distances are not.
    """
    found = []
    for part in torch.arange(len(images)).split(AT_ONCE):
        limits = box.low[part].flatten(1), box.high[part].flatten(1)
        moved = _moved(stored, images[part].flatten(1), targets[part], limits, 2.5 * epsilon / STEPS)
        found.append(moved.unflatten(1, images.shape[1:]))
    return torch.cat(found)


def _moved(stored: Stored, pixels: Tensor, targets: Tensor, limits: tuple[Tensor, Tensor], size: float) -> Tensor:
    best, least = pixels, torch.full((len(pixels),), torch.inf)
    for step in range(STEPS + 1):
        gap, direction = _gap(stored, pixels, targets)
        nearer = gap < least
        best, least = torch.where(nearer[:, None], pixels, best), torch.where(nearer, gap, least)
        if step < STEPS:
            pixels = torch.clamp(pixels + size * direction.sign(), *limits)
    return best


def _gap(stored: Stored, pixels: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared distance to the target's nearest minus that to the others' (N,), and against its gradient (N, D)."""
    distances = torch.cdist(pixels, stored.images).square()
    own = stored.labels == targets[:, None]
    means, nearest = [], []
    for others in (~own, own):
        count = min(stored.count, int((~others).sum(1).min()))
        size, place = distances.masked_fill(others, torch.inf).topk(count, largest=False)
        means.append(size.mean(1))
        nearest.append(stored.images[place].mean(1))
    return means[0] - means[1], nearest[0] - nearest[1]
