"""Numbers of Goodfellow et al. 2014, from rows of fooling."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spurious.rates import RUBBISH_THRESHOLD, combined, over_seeds
from spurious.statistics.intervals import mean_interval

UNCLAMPED = "fgsm-unclamped"  # the method of Goodfellow et al. 2014


def goodfellow(fooling_rows: pd.DataFrame, rubbish_rows: pd.DataFrame) -> pd.DataFrame:
    """What Goodfellow et al. 2014 published, of one classifier: rows `quantity, reproduced, low, high, n`.

    Means over the seeds, with their intervals (`spurious.rates`): "error rate" and "mean confidence" (on the errors) of
    the method UNCLAMPED, and "share of rubbish inputs with p > 0.5" of inputs from N(0, I). Nothing of what has no
    rows.
    """
    columns = ["quantity", "reproduced", "low", "high", "n"]
    return pd.DataFrame([*_unclamped(fooling_rows), *_normal(rubbish_rows)], columns=columns)


def _unclamped(rows: pd.DataFrame) -> Iterator[tuple[str, float, float, float, int]]:
    own = rows[rows["method"] == UNCLAMPED]
    if len(own):
        wrong = own["predicted"] != own["label"]
        error = over_seeds(wrong, own["seed"], own["id"])
        yield "error rate", error.rate, error.low, error.high, error.n
        yield "mean confidence", *_mean_over_seeds(own[wrong]), int(wrong.sum())


def _mean_over_seeds(rows: pd.DataFrame) -> tuple[float, float, float]:
    """The mean over the seeds of p with its interval: t over the seeds, and the mean interval of t over the images."""
    per_seed = [mean_interval(own["p"]) for _, own in rows.groupby("seed")]
    mean, _, *between = mean_interval([mean for mean, *_ in per_seed])
    return mean, *combined(mean, between, np.mean([bounds for _, _, *bounds in per_seed], axis=0))


def _normal(rows: pd.DataFrame) -> Iterator[tuple[str, float, float, float, int]]:
    own = rows[rows["kind"] == "normal"]
    if len(own):
        share = over_seeds(own["p"] > RUBBISH_THRESHOLD, own["seed"], pd.Series(range(len(own))))
        yield f"share of rubbish inputs with p > {RUBBISH_THRESHOLD}", share.rate, share.low, share.high, share.n
