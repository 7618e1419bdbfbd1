"""The one picture for a lecturer: how many images every attack fools, beside random changes of the same size."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from spurious.experiments.robustness.table import overall
from spurious.figures.bars import Bar, bars_page
from spurious.figures.style import styled
from spurious.frames import keeps_pixels, require_rows

WIDTH = 5.0  # inches
STARTS = {"image": "from images", "noise": "from noise"}


@styled
def figure(
    fooling: pd.DataFrame | None = None,
    black_box: pd.DataFrame | None = None,
    backworking: pd.DataFrame | None = None,
    robustness: pd.DataFrame | None = None,
) -> Figure:
    """The share that each attack fools, 0 to 100 %, with 95 % intervals; hollow: a random change of the same size.

    A row per attack, a look per classifier, n at the right. From the tables `fooling`, `black_box`,
    `backworking-summary` and `robustness` (the worst of all attacks on each defence, at the smallest size), those that
    the dataset has.
    """
    tables = ((_gradient, fooling), (_scores, black_box), (_searches, backworking), (_defences, robustness))
    bars = [bar for of, table in tables if table is not None for bar in of(table)]
    require_rows(pd.DataFrame([vars(bar) for bar in bars]), [])
    return bars_page(bars, "Images fooled by each attack, and by random changes", WIDTH)


def _gradient(table: pd.DataFrame) -> Iterator[Bar]:
    """The methods that keep pixels in [0, 1], over the seeds where there are several."""
    every = table[table["seed"].astype(str) == "all"]
    rows = every if len(every) else table
    for row in rows[rows["clamp"].astype(bool) & (rows["n"] > 0)].itertuples():
        name = "gradient, " + row.method.removesuffix("-targeted").replace("-", " ")
        name += " to a given class" if row.goal == "targeted" else ""
        yield _bar(name, row, row.success, row.control)


def _scores(table: pd.DataFrame) -> Iterator[Bar]:
    """Evolution from scores beside random search."""
    random = table[table["search"] == "random"].set_index(["classifier", "start"])["success"]
    for row in table[table["search"] == "evolution"].itertuples():
        control = random.get((row.classifier, row.start), float("nan"))
        yield _bar(f"scores alone, {STARTS.get(row.start, row.start)}", row, row.success, control)


def _searches(table: pd.DataFrame) -> Iterator[Bar]:
    """Noise searched for every label, by the searches that keep pixels in [0, 1]."""
    for row in table[keeps_pixels(table["search"])].itertuples():
        yield _bar(f"noise that is searched, {row.search}", row, row.share, float("nan"), n=row.images)


def _defences(table: pd.DataFrame) -> Iterator[Bar]:
    """Errors under the worst attack on each defence of each classifier, at its smallest L-infinity size."""
    rows = overall(table[table["norm"] == "linf"])
    rows = rows[rows["epsilon"] == rows["epsilon"].min()]
    keys = ["classifier", "defence"]
    random = rows[rows["attack"] == "random"].set_index(keys)["robust_error_detect"]
    for row in rows[rows["attack"] == "worst"].itertuples():
        bounds = {"low": row.robust_error_detect_low, "high": row.robust_error_detect_high}
        control = random.get((row.classifier, row.defence), float("nan"))
        yield _bar(f"worst of all, defence {row.defence}", row, row.robust_error_detect, control, **bounds)


def _bar(attack: str, row: object, share: float, control: float, **others: float) -> Bar:
    known = {"low": getattr(row, "low", None), "high": getattr(row, "high", None), "n": getattr(row, "n", None)}
    return Bar(attack=attack, classifier=row.classifier, share=share, control=control, **{**known, **others})
