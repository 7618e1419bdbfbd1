"""Images of no class that training gets as negatives, by name."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # planning reads the names of negatives without torch
    from torch import Generator, Tensor


def none(found: "Tensor", generator: "Generator") -> "Tensor":
    """No images (0, C, H, W)."""
    return found[:0]


def uniform(found: "Tensor", generator: "Generator") -> "Tensor":
    """As many images of noise U[0, 1]."""
    import torch

    return torch.rand(found.shape, generator=generator)


def normal(found: "Tensor", generator: "Generator") -> "Tensor":
    """As many images of noise N(0, 1), clamped to [0, 1]."""
    import torch

    return torch.randn(found.shape, generator=generator).clamp_(0, 1)


def backworked(found: "Tensor", generator: "Generator") -> "Tensor":
    """What was found, clamped to [0, 1]."""
    return found.clamp(0, 1)


# Functions of the images (N, C, H, W) that the attack found in the classifier of the round before, and of a generator
# seeded by (seed, name, round), to the images (M, C, H, W), float32 in [0, 1], that this round adds.
NEGATIVES: dict[str, Callable[["Tensor", "Generator"], "Tensor"]] = {
    "none": none,
    "uniform": uniform,
    "normal": normal,
    "backworked": backworked,
}
OF_SEARCH = "backworked-"  # before the name of a search: what that one found, where several attack


def search_of(name: str, attacks: Sequence[str]) -> str:
    """The search whose images become the negatives of this `name`: the first of `attacks`, or the one in the name."""
    other = name.removeprefix(OF_SEARCH)
    return attacks[0] if name in NEGATIVES or other not in attacks else other


def function_of(name: str) -> Callable[["Tensor", "Generator"], "Tensor"]:
    """The function of the negatives of this `name`, of which `OF_SEARCH` may be the beginning."""
    return NEGATIVES.get(name, backworked)


def is_searched(name: str) -> bool:
    """Whether these negatives are the images of a search, each for a label of its own."""
    return function_of(name) is backworked
