"""The table of published numbers beside the reproduced ones."""

from collections.abc import Iterator

import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require

NUMBER = ["source", "quantity", "setting"]


def published(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> pd.DataFrame:
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
