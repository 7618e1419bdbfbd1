"""Scores: all that a black-box search may see of a classifier."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Scores = Callable[[Tensor], Tensor]


AT_ONCE = 500  # test images that are looked at together


def first_right(judges: Sequence[Scores], images: Tensor, labels: Tensor, count: int) -> tuple[list[int], int]:
    """Places of the first `count` of images (N, C, H, W) that all judges get right, and how many were looked at.

    Fewer where there are not so many.
    """
    places: list[int] = []
    for part in torch.arange(len(images)).split(min(AT_ONCE, 2 * count)):
        right = torch.ones(len(part), dtype=torch.bool)
        for judge in judges:
            right &= judge(images[part]).argmax(1) == labels[part]
        places += part[right].tolist()
        if len(places) >= count:
            return places[:count], places[count - 1] + 1
    return places, len(images)
