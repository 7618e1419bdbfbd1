"""The table of what the fooling images of every classifier do to every other."""

import pandas as pd

from spurious.frames import require
from spurious.rates import of_images
from spurious.statistics.comparisons import mcnemar_exact

KEYS = ["source", "source_seed", "judge", "judge_seed"]


def transfer(rows: pd.DataFrame) -> pd.DataFrame:
    """How often images that fool the source fool the judge: a row per (source, judge), named "cnn, seed 0".

    `rows`: what `transfer_images.py` writes. Returns `source, judge, images` (that were tried), `n` (those that fool
    the source; the rest is about them), `fooled, low, high` (the share that the judge gets wrong, Wilson 95 %),
    `chance, chance_low, chance_high` (the same images under random signs of the same size), `same_wrong_label` (among
    the fooled, the share to which the judge gives the same label as the source), `mcnemar_p` (fooled against chance,
    exact, paired by image), `queries` (median of how many images the source judged for each). Where no image fools the
    source, the rates are empty.
    """
    require(rows, [*KEYS, "id", "label", "fooled_source", "predicted", "control_predicted", "queries"], "transfer rows")
    rows = rows.assign(source=named(rows, "source"), judge=named(rows, "judge"))
    own = rows.loc[rows["source"] == rows["judge"], ["source", "id", "predicted"]]
    rows = rows.merge(own, on=["source", "id"], suffixes=("", "_source"), how="left", validate="many_to_one")
    groups = rows.groupby(["source", "judge"], sort=False)
    return pd.DataFrame([{"source": key[0], "judge": key[1]} | _row(group) for key, group in groups])


def named(rows: pd.DataFrame, role: str) -> pd.Series:
    """The names of the sources or judges (`role`) with their seeds."""
    return rows[role].astype(str) + ", seed " + rows[f"{role}_seed"].astype(str)


def _row(rows: pd.DataFrame) -> dict[str, object]:
    images, queries, rows = len(rows), rows["queries"].median(), rows[rows["fooled_source"].astype(bool)]
    wrong, control = rows["predicted"] != rows["label"], rows["control_predicted"] != rows["label"]
    result = {"images": images, "n": len(rows)}
    result |= of_images(wrong).columns("fooled") | of_images(control).columns("chance", "chance_")
    result["same_wrong_label"] = (rows["predicted"] == rows["predicted_source"])[wrong].mean()
    result["mcnemar_p"] = mcnemar_exact(int((wrong & ~control).sum()), int((control & ~wrong).sum()))
    return result | {"queries": queries}


def chance(rows: pd.DataFrame) -> pd.Series:
    """By judge, the share of all images that random signs of the same size fool."""
    rows = rows.assign(judge=named(rows, "judge")).drop_duplicates(["judge", "id"])
    return (rows["control_predicted"] != rows["label"]).groupby(rows["judge"], sort=False).mean()
