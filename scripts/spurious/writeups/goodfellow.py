"""Numbers of Goodfellow et al. 2014, from rows of fooling."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.fooling.rubbish import RUBBISH_THRESHOLD
from spurious.experiments.fooling.success import share_with_interval
from spurious.statistics.intervals import mean_interval

UNCLAMPED = "fgsm-unclamped"  # the method of Goodfellow et al. 2014


def goodfellow(fooling_rows: pd.DataFrame, rubbish_rows: pd.DataFrame) -> pd.DataFrame:
    """What Goodfellow et al. 2014 published, of one classifier: rows `quantity, reproduced, low, high, n`.

    Of the first seed: "error rate" and "mean confidence" (on the errors) of the method UNCLAMPED, and "share of rubbish
    inputs with p > 0.5" of inputs from N(0, I). Wilson's 95 % intervals, for the mean Student's. Nothing of what has no
    rows.
    """
    columns = ["quantity", "reproduced", "low", "high", "n"]
    return pd.DataFrame([*_unclamped(fooling_rows), *_normal(rubbish_rows)], columns=columns)


def _unclamped(rows: pd.DataFrame) -> Iterator[tuple[str, float, float, float, int]]:
    own = _first_seed(rows[rows["method"] == UNCLAMPED])
    if len(own):
        wrong = own["predicted"] != own["label"]
        yield "error rate", *share_with_interval(wrong, "share", "").values(), len(own)
        mean, _, low, high = mean_interval(own.loc[wrong, "p"])
        yield "mean confidence", mean, low, high, int(wrong.sum())


def _normal(rows: pd.DataFrame) -> Iterator[tuple[str, float, float, float, int]]:
    own = _first_seed(rows[rows["kind"] == "normal"])
    if len(own):
        yield (
            f"share of rubbish inputs with p > {RUBBISH_THRESHOLD}",
            *share_with_interval(own["p"] > RUBBISH_THRESHOLD, "share", "").values(),
            len(own),
        )


def _first_seed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["seed"] == rows["seed"].iloc[0]] if len(rows) else rows
