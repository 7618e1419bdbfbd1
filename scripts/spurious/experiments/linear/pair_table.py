"""The table of two classes that a logistic regression confuses."""

import pandas as pd

from spurious.frames import require
from spurious.rates import interval
from spurious.statistics.intervals import mean_interval


def pair(rows: pd.DataFrame) -> pd.DataFrame:
    """How often two classes are confused: a row per (classes, attack, seed), and one with seed "all".

    `rows`: `seed, classes, attack, epsilon, label, predicted` per image. Returns `classes, attack, epsilon, seed, n,
    error, low, high`: Wilson 95 % intervals, in a row "all" the mean over the seeds and its t interval.
    """
    keys = ["classes", "attack", "epsilon"]
    require(rows, [*keys, "seed", "label", "predicted"], "rows of the pair")
    wrong = rows.assign(wrong=rows["predicted"] != rows["label"])
    table = []
    for key, group in wrong.groupby(keys, sort=False):
        counts = group.groupby("seed")["wrong"].agg(["sum", "size", "mean"])
        low, high = interval(counts["sum"], counts["size"])
        table += [(*key, *row) for row in zip(counts.index, counts["size"], counts["mean"], low, high, strict=True)]
        error, _, low, high = mean_interval(counts["mean"])
        table.append((*key, "all", counts["size"].iloc[0], error, low, high))
    return pd.DataFrame(table, columns=[*keys, "seed", "n", "error", "low", "high"])
