"""What a white-box attack raises: functions of the margins of the views of a classifier that may reject."""

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from spurious.attacks.margins import lower_median

# The views' margins (V, n, K) to one for each class (n, K): above 0 for a class that more than half of the views name,
# or that is nearly so.
Reduce = Callable[[Tensor], Tensor]


def reductions(views: int) -> dict[str, Reduce]:
    """Every way to look at so many views at once, by name.

    "joint" is the decision itself, whose gradient is that of one view; "sum" the mean of all; "views 0 1" the smaller
    margin of these, one for every smallest majority: more than half of the views, which decide together.
    """
    if views == 1:
        return {"joint": lower_median}
    majorities = combinations(range(views), views // 2 + 1)
    several: dict[str, Reduce] = {"joint": lower_median, "sum": lambda margins: margins.mean(0)}
    return several | {" ".join(["views", *map(str, some)]): _smallest_of(some) for some in majorities}


def _smallest_of(views: tuple[int, ...]) -> Reduce:
    return lambda margins: margins[list(views)].amin(0)


def wanted_classes(labels: Tensor, classes: int) -> Tensor:
    """(n, K) bool: every class but the label (n,)."""
    return torch.ones(len(labels), classes, dtype=torch.bool, device=labels.device).scatter_(1, labels[:, None], False)


def only(targets: Tensor, classes: int) -> Tensor:
    """(n, K) bool: the target (n,) alone."""
    return ~wanted_classes(targets, classes)


def objective(reduced: Tensor, wanted: Tensor) -> Tensor:
    """The largest of `reduced` (n, K) among the `wanted` classes minus the largest other or the rejection's 0: (n,)."""
    best = reduced.masked_fill(~wanted, -torch.inf).amax(1)
    return best - reduced.masked_fill(wanted, -torch.inf).amax(1).clamp(min=0)


def denial(reduced: Tensor) -> Tensor:
    """How far every class is below 0, (n,), of `reduced` (n, K): above 0 where the decision is a rejection."""
    return -reduced.amax(1)
