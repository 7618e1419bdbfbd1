"""The table of inputs that show nothing and are recognized all the same; needs no torch."""

import pandas as pd

from spurious.frames import require
from spurious.rates import RUBBISH_THRESHOLD, of_images, over_seeds

REAL = "test images"  # the kind that the seeds share


def rubbish(rows: pd.DataFrame) -> pd.DataFrame:
    """How often inputs that show nothing are recognized: a row per (classifier, kind, seed), and one with seed "all".

    `rows`: `classifier, kind, seed, id, p` per input, p that of the predicted class. Returns `classifier, kind, seed,
    n, share_above, low, high, sd, seeds`: the share with p above RUBBISH_THRESHOLD, with Wilson's 95 % interval; in a
    row "all" the mean over the `seeds`, the interval of `spurious.rates.over_seeds`, and the n of all. Test images are
    the same for every seed, noise is each seed's own.
    """
    keys = ["classifier", "kind"]
    require(rows, [*keys, "seed", "id", "p"], "rubbish rows")
    table = []
    for key, own in rows.assign(above=rows["p"] > RUBBISH_THRESHOLD).groupby(keys, sort=False):
        identification = dict(zip(keys, key, strict=True))
        for seed, above in own.groupby("seed", sort=False)["above"]:
            alone = of_images(above)
            table.append(identification | {"seed": seed, "seeds": 1, "n": alone.n} | alone.columns("share_above"))
        inputs = own["id"] if own["kind"].iloc[0] == REAL else pd.Series(range(len(own)))
        share = over_seeds(own["above"], own["seed"], inputs)
        overall = {"seed": "all", "seeds": share.seeds, "n": share.n, "sd": share.sd}
        table.append(identification | overall | share.columns("share_above"))
    return pd.DataFrame(table, columns=[*keys, "seed", "n", "share_above", "low", "high", "sd", "seeds"])
