"""Images of no class that training gets as negatives, by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from spurious.parameters import Population
from spurious.registry import Entry

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


class NamedNegatives(Entry):
    """Negatives with parameters, which an arm calls by a name of their own."""

    remedy = "negatives, such as {kind noise, share 0.5}"


class FreshNoise(NamedNegatives, kind="noise"):
    """Noise that every batch of a training gets fresh: the mixture of Hein et al. 2019, moved by an inner attack.

    The batch's real images stay; the noise comes beside them and makes up a `share` of what the step is trained on, one
    image or more. `steps` 0 leaves it as drawn; else every step moves it within `epsilon` to where the classifier, as
    it is at that step, is most confident (ACET).
    """

    share: float = Field(0.5, gt=0, le=0.5, description="share of a batch that is noise, above 0, at most 0.5")
    steps: int = Field(0, ge=0, description="steps of the inner attack, 0 for none")
    epsilon: float = Field(0.3, gt=0, le=1, description="largest change by the inner attack, above 0; 1 is no limit")

    def count(self, images: int) -> int:
        """How many images of noise come beside so many real ones."""
        return max(1, round(images * self.share / (1 - self.share)))


class Growing(NamedNegatives, kind="searched"):
    """What a search finds in the net of the round before, `factor` times as many images in every round."""

    search: str = Field("log-p", description="name of one of attacks")
    factor: int = Field(4, ge=1, description="growth of the number of images from round to round, 1 or more")


class Evolved(NamedNegatives, kind="evolved"):
    """Noise that evolves towards all classes at once in the net of the round before: an image of each class per run.

    With the target "extra" this is the retraining of Nguyen, Yosinski and Clune, "Deep neural networks are easily
    fooled", CVPR (2015), "Training networks to recognize fooling images", with their direct encoding.
    """

    runs: int = Field(8, ge=1, description="images of each class in every round, 1 or more")
    population: Population = 200
    generations: int = Field(200, ge=1, description="generations of a run, 1 or more")


OF_SEARCH = "backworked-"  # before the name of a search: what that one found, where several attack


def search_of(name: str, attacks: Sequence[str], named: Mapping[str, NamedNegatives]) -> str:
    """The search whose images an arm with negatives of this `name` looks at, and may be trained on.

    That of its entry in `named`, the one in the name, or else the first of `attacks`.
    """
    if isinstance(own := named.get(name), Growing):
        return own.search
    other = name.removeprefix(OF_SEARCH)
    return attacks[0] if name in NEGATIVES or other not in attacks else other


def function_of(name: str) -> Callable[["Tensor", "Generator"], "Tensor"]:
    """The function of the negatives of this `name`, of which `OF_SEARCH` may be the beginning."""
    return NEGATIVES.get(name, backworked)


def is_backworked(name: str) -> bool:
    """Whether negatives of this `name` are the very images that are looked at again after the training."""
    return name == "backworked" or name.startswith(OF_SEARCH)


def is_searched(name: str, named: Mapping[str, NamedNegatives]) -> bool:
    """Whether these negatives are the images of a search, each for a label of its own."""
    return isinstance(named[name], Growing | Evolved) if name in named else function_of(name) is backworked
