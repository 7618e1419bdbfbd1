"""The table of published numbers beside the reproduced ones."""

from collections.abc import Iterator, Mapping

import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.writeups import linear as of_linear
from spurious.writeups import smoothing as of_smoothing
from spurious.writeups.reproduced import COLUMNS

NUMBER = ["source", "quantity", "setting"]


def beside(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> pd.DataFrame:
    """Published numbers beside the reproduced ones.

    `numbers`: `source, quantity, setting, published`; `reproduced`: `source, quantity, setting, reproduced,
    low, high, n`. Returns `source, quantity, setting, published, reproduced, low, high, n, agrees` in the
    order of `numbers`: agrees is "yes" where the published value lies in [low, high], else "no", and empty
    where nothing was reproduced or no interval is known. Raises SpuriousError for a
    reproduced number that nobody published.
    """
    require(numbers, [*NUMBER, "published"], "published numbers")
    require(reproduced, [*NUMBER, "reproduced", "low", "high", "n"], "reproduced numbers")
    for key in _unknown(numbers, reproduced):
        raise SpuriousError(f"reproduced numbers: {', '.join(key)!r} is not among the published numbers")
    table = numbers.merge(reproduced, on=NUMBER, how="left", validate="one_to_one")
    table = table.astype({"low": float, "high": float})  # objects where nothing was reproduced
    inside = table["published"].between(table["low"], table["high"])
    table["agrees"] = inside.map({True: "yes", False: "no"}).where(table[["low", "high"]].notna().all(axis=1), "")
    table["n"] = table["n"].astype("Int64")
    return table[[*NUMBER, "published", "reproduced", "low", "high", "n", "agrees"]]


def _unknown(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    known = set(numbers[NUMBER].itertuples(index=False, name=None))
    return (key for key in reproduced[NUMBER].itertuples(index=False, name=None) if key not in known)


def table(
    published: pd.DataFrame,
    dataset: str,
    published_as: Mapping[str, str],
    smoothing: pd.DataFrame | None = None,
    toy: pd.DataFrame | None = None,
    linear: pd.DataFrame | None = None,
    linear_tests: pd.DataFrame | None = None,
    pair: pd.DataFrame | None = None,
    fooling: pd.DataFrame | None = None,
    rubbish: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Every number of the write-ups, beside those that this run computed; None is what the dataset does not have."""
    parts = []
    if smoothing is not None:
        parts.append(of_smoothing.smoothing(smoothing, published, dataset=dataset, published_as=published_as))
    if toy is not None:
        parts.append(of_linear.toy(toy))
    if dataset == "imagenet64" and linear is not None:
        parts.append(of_linear.linear(linear, linear_tests["against"].iloc[0]))
    if dataset == "mnist" and pair is not None:
        parts.append(of_linear.pair(pair))
    if dataset == "mnist" and fooling is not None:
        parts.append(of_linear.fooling(fooling, rubbish, published_as=published_as))
    return beside(published, pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS))
