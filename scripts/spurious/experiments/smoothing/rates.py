"""The table of the noise sweep, computed from its per-image rows; needs no torch."""

import pandas as pd

from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError
from spurious.experiments.smoothing.names import PUBLISHED
from spurious.experiments.smoothing.rows import views_of
from spurious.rates import interval

CONDITION = ("variant", "seed", "kernel", "sigma")


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by variant, noise seed, kernel, sigma and image, however they were sharded.

    Variants and seeds keep the order in which they first occur; numbers as ids are ordered as numbers ("2" before
    "10"). Raises SpuriousError where an image occurs twice in one setting.
    """
    keys = [*CONDITION, "image"]
    if rows.duplicated(keys).any():
        raise SpuriousError("an image occurs twice in the same setting: pass every shard once")
    ranks = {name: {value: rank for rank, value in enumerate(rows[name].unique())} for name in ("variant", "seed")}
    width = rows["image"].str.len().max() if rows["image"].str.isdecimal().all() else 0
    places = rows.assign(
        **{name: rows[name].map(rank) for name, rank in ranks.items()},
        image=rows["image"].str.zfill(width),
        name=rows["image"],  # "07" and "7" are two images
    )
    return rows.loc[places.sort_values([*keys, "name"]).index].reset_index(drop=True)


def main_rows(votes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the published variant with the first noise seed that occurs."""
    own = votes[votes["variant"] == PUBLISHED]
    return own[own["seed"] == own["seed"].iloc[0]] if len(own) else own


def summarize(rows: pd.DataFrame, classifier: str) -> pd.DataFrame:
    """One row per (kernel, sigma): classifier, kernel, sigma, n, the rates, then low and high of each rate.

    The rates are `acc_<view>` of every view of the rows, `acc_maj` over the accepted images only (nan when there are
    none), `acc_maj_all`, which counts a rejection as wrong, and `reject_rate`. The bounds are Wilson's at 95 %, each
    with its own rate's number of images.
    """
    outcomes = _outcomes(rows).groupby([rows["kernel"], rows["sigma"]])
    table = outcomes.mean()
    rates = list(table)
    table.insert(0, "n", outcomes.size())
    counts, totals = outcomes.sum(), outcomes.count()
    for rate in rates:
        table[f"{rate}_low"], table[f"{rate}_high"] = interval(counts[rate], totals[rate])
    table = table.reset_index()
    table.insert(0, "classifier", classifier)
    return table


def rates_of(summary: pd.DataFrame) -> list[str]:
    """The rates of a table of `summarize`, in its order."""
    accuracies = [name for name in summary if name.startswith("acc_") and not name.endswith(("_low", "_high"))]
    return [*accuracies, "reject_rate"]


def _outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rates for every row as 0 or 1, nan where the row does not count towards the rate."""
    label, decision = rows["label"], rows["decision"]
    right = (decision == label).astype(float)
    outcomes = {f"acc_{view}": (rows[view] == label).astype(float) for view in views_of(rows)}
    outcomes |= {
        "acc_maj": right.where(decision != REJECTED),
        "acc_maj_all": right,
        "reject_rate": (decision == REJECTED).astype(float),
    }
    return rows[[]].assign(**outcomes)


def gathered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of every classifier, as they are."""
    return rows
