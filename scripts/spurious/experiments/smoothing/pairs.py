"""The table of how often two views of an image say the same; for `votes` see `votes.py`."""

from itertools import combinations

import pandas as pd

from spurious.experiments.smoothing.rows import SETTING, views_of
from spurious.experiments.smoothing.votes import per_classifier
from spurious.rates import with_rate


def pairs(votes: pd.DataFrame) -> pd.DataFrame:
    """The agreement of every two views: a row per setting and pair, main rows.

    Returns `classifier, kernel, sigma, first, second, n, same, both_right`, the last two with `_low` and `_high`: the
    shares of all n images that both views give to one class, and to the right one. Bounds are Wilson's at 95 %.
    """
    return per_classifier(votes, _pairs)


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    table = pd.concat([_pair(rows, *pair) for pair in combinations(views_of(rows), 2)])
    return table.sort_values(SETTING, kind="stable", ignore_index=True)


def _pair(rows: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    same = rows[first] == rows[second]
    outcomes = rows[SETTING].assign(same=same, both_right=same & (rows[first] == rows["label"]))
    counts = outcomes.groupby(SETTING).agg(n=("same", "size"), same=("same", "sum"), both_right=("both_right", "sum"))
    counts = counts.reset_index().assign(first=first, second=second)
    table = counts[[*SETTING, "first", "second", "n"]]
    for name in ("same", "both_right"):
        table = with_rate(table, name, counts[name], counts["n"])
    return table
