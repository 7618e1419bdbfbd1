"""The table of what is taken for something though it shows nothing; needs no torch."""

import pandas as pd

from spurious.experiments.fooling.success import share_with_interval
from spurious.frames import require
from spurious.statistics.intervals import mean_interval

RUBBISH_THRESHOLD = 0.5  # above this p, an input that shows nothing counts as taken for something


def rubbish(rows: pd.DataFrame) -> pd.DataFrame:
    """What is taken for something: a row per (classifier, kind, seed), and one with seed "all".

    `rows`: `classifier, kind, seed, p` per input, p that of the predicted class. Returns `classifier, kind, seed, n,
    share_above, low, high, sd`: the share with p above RUBBISH_THRESHOLD, with Wilson's 95 % interval; in a row "all"
    the mean over the seeds, with its t interval (cut to [0, 1]), and the n of all.
    """
    keys = ["classifier", "kind"]
    require(rows, [*keys, "seed", "p"], "rubbish rows")
    table = []
    for key, own in rows.assign(above=rows["p"] > RUBBISH_THRESHOLD).groupby(keys, sort=False):
        shares = [(seed, group["above"]) for seed, group in own.groupby("seed", sort=False)]
        identification = dict(zip(keys, key, strict=True))
        for seed, above in shares:
            table.append(
                {**identification, "seed": seed, "n": len(above), **share_with_interval(above, "share_above", "")}
            )
        mean, sd, low, high = mean_interval([above.mean() for _, above in shares])
        bounds = {"low": max(low, 0.0), "high": min(high, 1.0)}
        overall = {"seed": "all", "n": len(own), "share_above": mean, **bounds, "sd": sd}
        table.append({**identification, **overall})
    return pd.DataFrame(table, columns=[*keys, "seed", "n", "share_above", "low", "high", "sd"])
