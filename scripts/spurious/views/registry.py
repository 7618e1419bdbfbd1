"""What the vote looks at: the family of views. Its kinds are in the modules beside this one; `kinds` names them."""

import keyword
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spurious.problems import misfit
from spurious.registry import Entry

if TYPE_CHECKING:  # planning reads the settings of views without torch
    from torch import Tensor

TAKEN = {  # columns of the rows and of the tables that are made of them
    *("classifier", "image", "label", "variant", "seed", "kernel", "sigma", "decision", "n"),
    *("maj", "maj_all", "majority", "vote", "combined", "best_view"),
}


def _free(name: str) -> str:
    if name in TAKEN or keyword.iskeyword(name) or name.startswith("p_") or name.endswith(("_low", "_high")):
        raise ValueError(f"{name!r} is not allowed: the tables have such a column of their own; choose another name")
    return name


ColumnName = Annotated[
    str,
    AfterValidator(_free),
    Field(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", description="name of its columns: small letters, digits and '_'"),
]


class View(Entry):
    """A view of noisy images: what the classifier gets to see of them. `name` is its column.

    `words` is its name in figures. `swept`: whether it depends on the kernel of the blur, and is classified for every
    one of them; another view is classified once, and its votes are repeated in the rows of each kernel. `blurs`: of a
    view that is nothing but so many Gaussian blurs, their number; such a view is made by `bands` instead of its call.
    `gradient`: what an attack takes for its gradient, "exact" (its own), "identity" or "stand-in" (that of `smooth`).
    """

    remedy = "a view, by name or with its kind and parameters"
    words: ClassVar[str] = ""
    swept: ClassVar[bool] = False
    blurs: ClassVar[int | None] = None
    gradient: ClassVar[Literal["exact", "identity", "stand-in"]] = "exact"

    name: ColumnName

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """The view of images (N, C, H, W), float32 in [0, 1], in the same shape; the classifier's resizing follows.

        `kernel` is the number of taps (None where the view is not swept) and `sigma` the standard deviation in pixels
        of the sweep's blur. The view of an image must not depend on the others of its batch. Without clamping (see the
        variant), pixels of the input may lie outside [0, 1].
        """
        raise NotImplementedError

    def smooth(self, images: "Tensor") -> "Tensor":
        """What stands in for the view in the backward pass, differentiable and in the same shape: the images."""
        return images

    @model_validator(mode="after")
    def _named_as_no_other_kind(self) -> Self:
        if View.kinds.get(self.name, type(self)) is not type(self):
            raise misfit(f"{self.name!r} is the name of another kind of view; choose another", "name")
        return self


def words_of(name: str) -> str:
    """The words for a view of which only the column is known: those of its kind, else the column's name."""
    kind = View.kinds.get(name)
    return (kind and kind.words) or name


def blurs_of(name: str) -> int | None:
    """`View.blurs` of a view of which only the column is known."""
    return View.kinds[name].blurs if name in View.kinds else None
