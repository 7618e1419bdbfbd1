"""The figure of the searches that succeed over the queries."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from spurious.errors import SpuriousError
from spurious.experiments.black_box.curves import success_curves
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled
from spurious.statistics.intervals import wilson

COLORS = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK]
LINES = {"evolution": "-", "random": (0, (3, 2))}
STARTS = {
    "image": "from test images: the decision is the target",
    "noise": "from noise: p of the target above threshold",
}


@styled
def black_box(rows: pd.DataFrame, title: str) -> Figure:
    """The share of searches that have succeeded after so many queries: a panel for each start.

    `rows`: what `search_scores.py` writes, of one or several classifiers. Evolution is drawn solid, random search
    dashed; at the right end stands the final share with its 95 % interval.
    """
    classifiers = list(dict.fromkeys(rows["classifier"]))
    if not classifiers or len(classifiers) > len(COLORS):
        raise SpuriousError(f"the figure shows 1 to {len(COLORS)} classifiers, not {len(classifiers)}")
    starts = [start for start in STARTS if start in set(rows["start"])]
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    panels = figure.subplots(1, len(starts), sharey=True, squeeze=False)[0]
    budget, least = rows["queries"].max(), max(1, rows["queries"].min() // 2)
    for axes, start in zip(panels, starts, strict=True):
        own = rows[rows["start"] == start]
        for (classifier, _, search), queries, share in success_curves(own):
            color = COLORS[classifiers.index(classifier)]
            _draw_curve(axes, queries, share, (least, budget), color=color, linestyle=LINES[search])
        for place, classifier in enumerate(classifiers):
            _draw_end(axes, own[own["classifier"] == classifier], budget, place, COLORS[place])
        counts = own.groupby(["classifier", "search"]).size()
        n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
        axes.set_title(f"{STARTS[start]}\nn = {n} each", pad=6)
        _query_axis(axes, least, budget, len(classifiers))
    panels[0].set(ylabel="share of the searches that succeeded", ylim=(-0.03, 1.04))
    figure.suptitle(title)
    _legend(figure, classifiers)
    return figure


def _legend(figure: Figure, classifiers: list[str]) -> None:
    keys = [Line2D([], [], color=COLORS[place], lw=3, label=name) for place, name in enumerate(classifiers)]
    ends = {"marker": "o", "markersize": 4, "color": GREY}
    keys.append(Line2D([], [], ls="-", **ends, label="evolution, and its final share"))
    keys.append(Line2D([], [], ls=LINES["random"], markerfacecolor="white", **ends, label="random search"))
    figure.legend(handles=keys, loc="outside lower center", ncols=3)


def _draw_curve(axes: Axes, queries: np.ndarray, share: np.ndarray, ends: tuple[int, int], **look: object) -> None:
    """Steps from one end to the other; after its last success a curve stays where it is."""
    least, budget = ends
    x = np.append(np.maximum(queries, least), budget)
    axes.step(x, np.append(share, share[-1]), where="post", linewidth=1.6, **look)


def _draw_end(axes: Axes, rows: pd.DataFrame, budget: int, place: int, color: str) -> None:
    """The final shares of a classifier, right of the curves: evolution filled, random search hollow."""
    for search, face, shift in (("evolution", color, 0.97), ("random", "white", 1.03)):
        own = rows.loc[rows["search"] == search, "success"].astype(bool)
        if len(own):
            low, high = wilson(own.sum(), len(own))
            errors = np.maximum([[own.mean() - low], [high - own.mean()]], 0)
            x = budget * 1.2 ** (place + 1) * shift
            look = {"marker": "o", "markersize": 4, "markerfacecolor": face, "elinewidth": 1, "color": color}
            axes.errorbar(x, own.mean(), errors, **look, linestyle="", clip_on=False)


def _query_axis(axes: Axes, least: int, budget: int, classifiers: int) -> None:
    axes.set_xscale("log")
    axes.set(xlabel="queries (images judged), log scale", xlim=(least, budget * 1.2 ** (classifiers + 1)))
    axes.axvspan(budget * 1.08, budget * 1.2 ** (classifiers + 1), color="#F4F4F4", linewidth=0, zorder=0)
    ticks = [tick for power in range(7) for tick in (10**power, 3 * 10**power) if least <= tick < 0.45 * budget]
    axes.set_xticks([*ticks, budget])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
