"""The table of how often each classifier is right without noise; for `votes` see `votes.py`."""

from functools import partial

import pandas as pd

from spurious.experiments.smoothing.rows import reference_of, views_of
from spurious.experiments.smoothing.votes import per_classifier
from spurious.rates import interval
from spurious.statistics.chance import largest_share, limit

COLUMNS = ["n", "accuracy", "low", "high", "largest_class", "near_chance_below"]


def clean(votes: pd.DataFrame, classes: int) -> pd.DataFrame:
    """The accuracy of the unblurred view at sigma 0, main rows: a row per classifier, none where 0 is not in the sweep.

    Returns `classifier, n, accuracy, low, high, largest_class, near_chance_below`: Wilson's 95 % bounds, the share of
    the most frequent of the labels, and the accuracy up to which a classifier of so many `classes` is near chance
    (`statistics.chance.limit`).
    """
    return per_classifier(votes, partial(_clean, classes=classes))


def clean_rows(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Labels and predictions of every image without noise: of the unblurred view, of the first where there is none."""
    own = rows[(rows["sigma"] == 0) & (rows["kernel"] == rows["kernel"].min())]
    return own["label"], own[reference_of(views_of(rows))]


def _clean(rows: pd.DataFrame, classes: int) -> pd.DataFrame:
    labels, predicted = clean_rows(rows)
    if labels.empty:
        return pd.DataFrame(columns=COLUMNS)
    right = labels == predicted
    largest = largest_share(labels)
    row = [len(labels), right.mean(), *interval(right.sum(), len(labels)), largest, limit(classes, largest)]
    return pd.DataFrame([row], columns=COLUMNS)
