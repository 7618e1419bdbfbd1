"""The table of the ablation of the published search."""

import pandas as pd

from spurious.frames import require
from spurious.rates import difference_over_seeds, over_seeds
from spurious.statistics.order_statistics import order_statistic_median

KEYS = ["classifier", "setting"]
IMAGE = ["seed", "label", "image"]
NEEDED = [*KEYS, *IMAGE, "batch", "p", "near", "pairs", "start_distance", "distance", "test_distance"]


def ablation(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """What is found when one key of the search changes: a row per (classifier, setting), over all labels and seeds.

    `rows`: NEEDED, per image. Returns `classifier, setting, batch, n, found, share, low, high, seeds, gain, gain_low,
    gain_high, collided, collided_low, collided_high, start_ratio, ratio, ratio_low, ratio_high`. `share` of the n
    images have p above `found_above`; `gain` is what the setting finds more than the first one, from the same starting
    images (of one seed without an interval); `collided` is the share of pairs of a batch that lie close together. The
    intervals are `spurious.rates.over_seeds` and `difference_over_seeds`, where the images of one seed and label are
    one cluster. `ratio` is the median distance to the nearest training image of the label over that of the label's test
    images (`start_ratio`: before the search), its interval that of a median of seeds and labels by order statistics.
    """
    require(rows, NEEDED, "rows of the ablation")
    rows = rows.assign(found=rows["p"] > found_above, searched=rows.groupby(["classifier", "seed", "label"]).ngroup())
    table = []
    for classifier, own in rows.groupby("classifier", sort=False):
        settings = dict(iter(own.groupby("setting", sort=False)))
        first = next(iter(settings.values())).set_index(IMAGE)["found"].astype(int)
        for setting, images in settings.items():
            row = {"classifier": classifier, "setting": setting, "batch": images["batch"].iloc[0]}
            table.append(row | _found(images, first) | _collided(images) | _distances(images))
    return pd.DataFrame(table)


def _found(images: pd.DataFrame, first: pd.Series) -> dict[str, float]:
    share = over_seeds(images["found"], images["seed"], images["searched"])
    changes = images["found"].astype(int).to_numpy() - first.reindex(pd.MultiIndex.from_frame(images[IMAGE])).to_numpy()
    gain = difference_over_seeds(pd.Series(changes), images["seed"], images["searched"])
    row = {"n": share.n, "found": int(images["found"].sum()), **share.columns("share"), "seeds": share.seeds}
    return row | dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))


def _collided(images: pd.DataFrame) -> dict[str, float]:
    """The share of pairs; each image's own share counts as its outcome."""
    share = over_seeds(images["near"] / images["pairs"], images["seed"], images["searched"])
    return share.columns("collided", "collided_")


def _distances(images: pd.DataFrame) -> dict[str, float]:
    own = images.groupby(["seed", "label"])
    before, after = (own[name].median() / own["test_distance"].first() for name in ("start_distance", "distance"))
    ratio, low, high = order_statistic_median(after)
    return {"start_ratio": before.median(), "ratio": ratio, "ratio_low": low, "ratio_high": high}
