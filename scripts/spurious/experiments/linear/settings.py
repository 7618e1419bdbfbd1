"""Settings of the regularization sweep of softmax regression."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from spurious.classifiers.recipes import LinearRecipe, WeightDecay
from spurious.parameters import Epsilon, Unique
from spurious.problems import misfit

FIRST = 4  # targets, where none are named
ClassOfDataset = Annotated[int, Field(ge=0, description="a class of the dataset, 0 to classes - 1")]


class LinearSettings(LinearRecipe):
    """The regularization sweep of softmax regression on pixels in [0, 1].

    `targets` are the classes that the figures fool towards (None: see `targets_of`), `step_images` how many test
    images are attacked: their smallest steps, and the fast gradient sign method with `epsilon` (None: all). `pair` are
    two classes that a logistic regression tells apart and the same method confuses (None: neither). `published_as`
    says which weight decays the table `published` shows as the write-up's.
    """

    remedy = "settings of the regularization sweep of softmax regression"

    targets: Annotated[tuple[ClassOfDataset, ...], Unique()] | None = Field(
        None,
        min_length=1,
        description="different classes that the figures fool towards, such as [0, 1] (null: the first four, or fewer)",
    )
    step_images: int | None = Field(None, ge=1, description="test images that are attacked, 1 or more (null for all)")
    pair: Annotated[tuple[ClassOfDataset, ...], Unique()] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="two different classes for the logistic regression, such as [3, 7] (null for none)",
    )
    epsilon: Epsilon = 0.25
    published_as: dict[Literal["high regularization", "very low regularization"], WeightDecay] = Field(
        {}, description="which of weight_decays stand for the write-up's {high regularization, very low regularization}"
    )

    @model_validator(mode="after")
    def _of_the_sweep(self) -> Self:
        for name, decay in self.published_as.items():
            if decay not in self.weight_decays:
                known = " or ".join(f"{own:g}" for own in self.weight_decays)
                raise misfit(f"{decay:g} is not in weight_decays: use {known}", "published_as", name)
        return self


def targets_of(targets: Sequence[int] | None, classes: int) -> list[int]:
    """The classes that the figures fool towards: the first four, or all of fewer, where none are named."""
    return list(range(min(FIRST, classes)) if targets is None else targets)
