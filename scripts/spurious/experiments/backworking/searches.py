"""The tables of what every search found."""

import pandas as pd

from spurious.frames import require
from spurious.rates import over_seeds


def backworking(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """What every search found: a row per (classifier, seed, label, search).

    `rows`: `classifier, seed, label, search, steps, reinitialized, p` per image. Returns `classifier, seed,
    label, search, images, steps, found, p_min, p_mean, p_max, reinitialized`: `found` counts the images with p
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
        p_max=("p", "max"),
        reinitialized=("reinitialized", "sum"),
    )


def backworking_summary(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """Each search over all labels and seeds: a row per (classifier, search); `rows` as for `backworking`.

    Returns `classifier, search, images, found, share, low, high, seeds, found_mean, found_sd, found_min,
    found_max, steps_median`. low and high are the 95 % interval of the share of all images over the seeds
    (`spurious.rates.over_seeds`), where the images of one seed and label, which share a batch and a cost, are one
    cluster; the mean to the maximum describe how many are found per seed. The median of the steps is over labels and
    seeds.
    """
    keys = ["classifier", "search"]
    searches = dict(iter(backworking(rows, found_above=found_above).groupby(keys)))
    images = rows.assign(found=rows["p"] > found_above, searched=rows.groupby([*keys, "seed", "label"]).ngroup())
    summary = [
        {**dict(zip(keys, key, strict=True)), **_search_summary(searches[key], own)}
        for key, own in images.groupby(keys)
    ]
    return pd.DataFrame(summary)


def _search_summary(table: pd.DataFrame, images: pd.DataFrame) -> dict[str, float]:
    share = over_seeds(images["found"], images["seed"], images["searched"])
    per_seed = table.groupby("seed")["found"].sum()
    return {
        "images": len(images),
        "found": images["found"].sum(),
        "share": images["found"].mean(),
        "low": share.low,
        "high": share.high,
        "seeds": len(per_seed),
        "found_mean": per_seed.mean(),
        "found_sd": per_seed.std(),
        "found_min": per_seed.min(),
        "found_max": per_seed.max(),
        "steps_median": table["steps"].median(),
    }
