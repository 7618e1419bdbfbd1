"""The tables of what every search found."""

import pandas as pd

from spurious.frames import require
from spurious.rates import interval


def backworking(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """What every search found: a row per (classifier, seed, label, search).

    `rows`: `classifier, seed, label, search, steps, reinitialized, p` per image. Returns `classifier, seed,
    label, search, images, steps, found, p_min, p_mean, reinitialized`: `found` counts the images with p
    above `found_above`, `steps` is the length of the search, `reinitialized` the fresh starts in it.
    """
    keys = ["classifier", "seed", "label", "search"]
    require(rows, [*keys, "steps", "reinitialized", "p"], "backworking rows")
    found = rows.assign(found=rows["p"] > found_above).groupby(keys, as_index=False)
    return found.agg(
        images=("p", "size"),
        steps=("steps", "max"),
        found=("found", "sum"),
        p_min=("p", "min"),
        p_mean=("p", "mean"),
        reinitialized=("reinitialized", "sum"),
    )


def backworking_summary(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """Each search over all labels and seeds: a row per (classifier, search); `rows` as for `backworking`.

    Returns `classifier, search, images, found, share, low, high, seeds, found_mean, found_sd, found_min,
    found_max, steps_median`. low and high are the Wilson 95 % interval of the share of all images; the mean
    to the maximum describe how many are found per seed. The median of the steps is over labels and seeds.
    """
    table = backworking(rows, found_above=found_above)
    summary = [
        {"classifier": classifier, "search": search, **_search_summary(group)}
        for (classifier, search), group in table.groupby(["classifier", "search"])
    ]
    return pd.DataFrame(summary)


def _search_summary(table: pd.DataFrame) -> dict[str, float]:
    images, found = int(table["images"].sum()), int(table["found"].sum())
    low, high = interval(found, images)
    per_seed = table.groupby("seed")["found"].sum()
    return {
        "images": images,
        "found": found,
        "share": found / images,
        "low": low,
        "high": high,
        "seeds": len(per_seed),
        "found_mean": per_seed.mean(),
        "found_sd": per_seed.std(),
        "found_min": per_seed.min(),
        "found_max": per_seed.max(),
        "steps_median": table["steps"].median(),
    }
