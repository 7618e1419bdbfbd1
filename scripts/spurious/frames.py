"""What every table and figure does with data frames: check columns, pick rows."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.errors import SpuriousError
from spurious.wording import plural

SIGNIFICANCE = 0.05
CLAMPED = ", clamped"  # behind the name of a search: its images, clamped to [0, 1] afterwards
Arrays = Mapping[str, NDArray]  # the tensors of one file, by name
Tables = Mapping[str, pd.DataFrame]  # by the names of their files


def require(frame: pd.DataFrame, columns: list[str], name: str) -> None:
    """Raises SpuriousError, with the `name` of the frame, where a column is missing."""
    missing = [column for column in columns if column not in frame]
    if missing:
        raise SpuriousError(f"{name}: the column {', '.join(missing)} is missing; found {', '.join(frame.columns)}")


def keeps_pixels(searches: pd.Series) -> pd.Series:
    """Whether each of these searches, by its name in rows, kept its pixels in [0, 1].

    Of one that did not there are also the images clamped, as "<search>, clamped"; neither counts.
    """
    names = searches.str.removesuffix(CLAMPED)
    return ~names.isin(names[searches.str.endswith(CLAMPED)])


def published_first(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Within each classifier, the published search before its variants and the comparators."""
    others = ~rows[column].isin(["published", "unclamped", "unclamped, clamped"])
    keys = [key for key in ("classifier",) if key in rows]
    return rows.assign(others=others).sort_values([*keys, "others"], kind="stable").drop(columns="others")


def spread(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """`count` rows, all where there are no more: each from the middle of one of so many equal stretches of the rows.

    So the images of a figure are chosen by their place alone, not by their look or how sure the classifier is.
    """
    count = min(count, len(rows))
    return rows.iloc[((np.arange(count) + 0.5) * len(rows) / max(count, 1)).astype(int)]


def lowest(predictions: pd.DataFrame, count: int = 8) -> pd.DataFrame:
    """The `count` rows of every label with the lowest p of the true label, the lowest first.

    `predictions`: `id, label, p_label` of one classifier, seed and split. Raises SpuriousError where a
    label has fewer rows.
    """
    few = predictions["label"].value_counts().loc[lambda sizes: sizes < count]
    if len(few):
        raise SpuriousError(f"label {few.index[0]} has {plural(few.iloc[0], 'prediction')}, {count} are needed")
    return predictions.sort_values(["label", "p_label", "id"]).groupby("label").head(count)


def require_rows(frame: pd.DataFrame, columns: list[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise SpuriousError(f"the column {', '.join(missing)} is missing; found {', '.join(frame.columns)}")
    if frame.empty:
        raise SpuriousError("there are no rows to draw; check the names that select them")


def held_out(splits: Iterable[str]) -> str:
    """The split that results are reported of: "test", or what else there is beside train and validation."""
    others = sorted(set(splits) - {"train", "validation"}, key=lambda name: name != "test")
    if not others:
        raise SpuriousError("there is no split to test on beside train and validation; add a split test to the data")
    return others[0]


def numbered(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of searches, whose column `image` is a number; the names of photographs are there in other rows.

    Raises SpuriousError, with the `name` of the rows, where the column is missing.
    """
    require(rows, ["image"], name)
    return rows.astype({"image": int})
