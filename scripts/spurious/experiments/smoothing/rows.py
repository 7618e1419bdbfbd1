"""The per-image rows of the noise sweep: which columns they have, whatever views vote; needs no torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spurious.errors import SpuriousError
from spurious.frames import require

if TYPE_CHECKING:  # the sweep needs only the columns
    import pandas as pd

SETTING = ["kernel", "sigma"]
PLACE = ["image", "label", "variant", "seed", *SETTING]


def columns(views: Sequence[str]) -> list[str]:
    """The columns of a row: image and setting, the class of each of the views, the decision, p of each class."""
    return [*PLACE, *views, "decision", *probabilities(views)]


def main_columns(views: Sequence[str]) -> list[str]:
    """The columns of smoothing_images.csv, which holds one variant and seed."""
    return ["image", "label", *SETTING, *views, "decision"]


def probabilities(views: Sequence[str]) -> list[str]:
    """The columns of the probability that each view gives its class."""
    return [f"p_{view}" for view in views]


def number_types(views: Sequence[str]) -> dict[str, str]:
    """The types of the columns that hold numbers."""
    whole, broken = ["label", "seed", "kernel", *views, "decision"], ["sigma", *probabilities(views)]
    return {**dict.fromkeys(whole, "int64"), **dict.fromkeys(broken, "float64")}


def views_of(rows: "pd.DataFrame", name: str = "votes") -> list[str]:
    """The views whose votes the rows hold: their columns between `sigma` and `decision`.

    Raises SpuriousError, with the `name` of the rows, where there are no such columns.
    """
    require(rows, ["sigma", "decision"], name)
    names = list(rows)
    views = names[names.index("sigma") + 1 : names.index("decision")]
    if not views:
        raise SpuriousError(f"{name}: no view between the columns sigma and decision; found {', '.join(names)}")
    return views


def reference_of(views: Sequence[str]) -> str:
    """The view that others are compared with: the one that is not blurred, else the first."""
    return "ns" if "ns" in views else views[0]


def fallback_of(views: Sequence[str]) -> str:
    """The view whose class stands for a rejected image where it must have one: blurred once, else the first."""
    return "ss" if "ss" in views else views[0]
