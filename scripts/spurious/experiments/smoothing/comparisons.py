"""The table of the views and their majority against each other; for `votes` see `votes.py`."""

from itertools import combinations

import pandas as pd

from spurious.experiments.smoothing.long_form import interleaved
from spurious.experiments.smoothing.rows import SETTING, views_of
from spurious.experiments.smoothing.verdicts import tested
from spurious.experiments.smoothing.votes import per_classifier


def tests(votes: pd.DataFrame) -> pd.DataFrame:
    """Each view and the majority against each other, image by image: a row per setting and pair, main rows.

    Returns `classifier, kernel, sigma, first, second, n, accuracy_first, accuracy_second, only_first, only_second,
    p, p_holm, verdict`. All images count; a rejection by the majority is wrong. `p` is that of the exact McNemar
    test, `p_holm` corrects it over all tests of the classifier, and the verdict is "first" or "second" where it is
    below .05, else "within noise".
    """
    return per_classifier(votes, _tests)


def _tests(rows: pd.DataFrame) -> pd.DataFrame:
    right = rows[views_of(rows)].assign(majority=rows["decision"]).eq(rows["label"], axis=0)
    table = interleaved([_pair(rows[SETTING], right, *pair) for pair in combinations(right, 2)])
    return tested(table, "only_first", "only_second", "first", "second")


def _pair(settings: pd.DataFrame, right: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """What two columns of `right` have in common, and what not, per setting."""
    a, b = right[first], right[second]
    outcomes = settings.assign(first=a, second=b, only_first=a & ~b, only_second=b & ~a)
    table = outcomes.groupby(SETTING, as_index=False).agg(
        n=("first", "size"),
        accuracy_first=("first", "mean"),
        accuracy_second=("second", "mean"),
        only_first=("only_first", "sum"),
        only_second=("only_second", "sum"),
    )
    table.insert(2, "first", first)
    table.insert(3, "second", second)
    return table
