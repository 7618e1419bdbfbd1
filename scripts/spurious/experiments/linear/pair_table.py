"""The table of two classes that a logistic regression confuses."""

import pandas as pd

from spurious.frames import require
from spurious.rates import interval, over_seeds


def pair(rows: pd.DataFrame) -> pd.DataFrame:
    """How often two classes are confused: a row per (classes, attack, seed), and one with seed "all".

    `rows`: `seed, classes, attack, epsilon, id, label, predicted` per image. Returns `classes, attack, epsilon, seed,
    n, error, low, high, seeds`: Wilson 95 % intervals, in a row "all" the mean over the `seeds`, the interval of
    `spurious.rates.over_seeds`, and the n of all.
    """
    keys = ["classes", "attack", "epsilon"]
    require(rows, [*keys, "seed", "id", "label", "predicted"], "rows of the pair")
    wrong = rows.assign(wrong=rows["predicted"] != rows["label"])
    table = []
    for key, group in wrong.groupby(keys, sort=False):
        counts = group.groupby("seed")["wrong"].agg(["sum", "size", "mean"])
        low, high = interval(counts["sum"], counts["size"])
        table += [(*key, *row, 1) for row in zip(counts.index, counts["size"], counts["mean"], low, high, strict=True)]
        share = over_seeds(group["wrong"], group["seed"], group["id"])
        table.append((*key, "all", share.n, share.rate, share.low, share.high, share.seeds))
    return pd.DataFrame(table, columns=[*keys, "seed", "n", "error", "low", "high", "seeds"])
