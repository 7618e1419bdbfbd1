"""The figure of what is left of every defence over the size of the change."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.robustness.settings import WORST
from spurious.experiments.robustness.table import DETECT, STRICT, overall, seeds_of
from spurious.figures.legends import legend_below
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled
from spurious.frames import require, require_rows
from spurious.perturbations.norms import NORMS

COLORS = (GREY, SKY, VERMILION, GREEN, BLUE, ORANGE, PURPLE, BLACK)
NEEDED = ["classifier", "seed", "defence", "attack", "norm", "epsilon", "n"]


@styled
def figure(table: pd.DataFrame) -> Figure:
    """Robust accuracy over the size of the change: rows are classifiers, columns norms, lines defences.

    `table`: the table `robustness`, all seeds of a classifier together, under the worst attack of each image. Size 0 is
    the image itself. Full lines count a rejection as no error, dashed ones as an error. A dotted line is at the
    largest size at which a defence claims to hold.
    """
    require(table, [*NEEDED, "clean_correct", *_bounds(DETECT), STRICT], "the table robustness")
    rows = overall(table[table["attack"] == WORST])
    require_rows(rows, NEEDED)
    classifiers, norms = (list(dict.fromkeys(rows[name])) for name in ("classifier", "norm"))
    drawn = Figure(figsize=(WIDTH, 1.0 + 2.6 * len(classifiers)), layout="constrained")
    panels = drawn.subplots(len(classifiers), len(norms), sharey=True, sharex="col", squeeze=False)
    for line, classifier in zip(panels, classifiers, strict=True):
        for axes, norm in zip(line, norms, strict=True):
            own = rows[(rows["classifier"] == classifier) & (rows["norm"] == norm)]
            if own.empty:  # its sizes are its own, and in other norms only
                axes.set_visible(False)
                continue
            _draw(axes, own)
            axes.set_title(f"{classifier}, {seeds_of(own.iloc[0])}, {_words(norm)}, n = {own['n'].iloc[0]:,}")
        line[0].set_ylabel("robust accuracy")
    for axes in panels[-1]:
        axes.set_xlabel("size of the change, pixels in [0, 1]")
    keys = {
        name: handle for axes in panels.flat for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    names = [*keys]
    legend_below(drawn, [*keys.values()], names, across=4)
    drawn.suptitle(
        "what the worst attack on each image leaves" + ("" if len(names) > 1 else f" of the defence {names[0]}")
    )
    return drawn


def _bounds(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def _words(norm: str) -> str:
    return NORMS[norm].words if norm in NORMS else norm


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    defences = rows["defence"].nunique()
    for place, (defence, own) in enumerate(rows.groupby("defence", sort=False)):
        own, color = own.sort_values("epsilon"), COLORS[place % len(COLORS)]
        sizes, clean = np.r_[0, own["epsilon"]], own["clean_correct"].iloc[0]
        value, low, high = (1 - own[name].to_numpy() for name in (DETECT, f"{DETECT}_high", f"{DETECT}_low"))
        for size in own.loc[own["claimed"], "epsilon"].tail(1):
            axes.axvline(size, linestyle=":", linewidth=1.5, color=color)
        thin = (defences - place) / defences  # equal lines stay visible under each other
        width = {"color": color, "linewidth": 1 + 4 * thin, "markersize": 3 + 6 * thin}
        axes.plot(sizes, np.r_[clean, value], marker="o", label=defence, **width)
        beside = own["epsilon"] * (1 + 0.02 * (place - (defences - 1) / 2))
        axes.errorbar(beside, value, (value - low, high - value), fmt="none", ecolor=color, elinewidth=1, capsize=2)
        if not np.allclose(own[STRICT], own[DETECT]):
            axes.plot(sizes, np.r_[clean, 1 - own[STRICT]], linestyle="--", linewidth=1, color=color)
    axes.set_ylim(-0.02, 1.02)
