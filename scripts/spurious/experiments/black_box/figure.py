"""The figure of the searches that succeed over the queries."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from spurious.errors import SpuriousError
from spurious.experiments.black_box.curves import success_curves
from spurious.figures.classifiers import Look, classifier_looks
from spurious.figures.legends import legend_below, rows_of
from spurious.figures.style import GREY, WIDTH, styled
from spurious.rates import interval

NARROW = 7  # classifiers whose final shares are beside the curves without moving together
MARKERS_ALONG = 0.12  # from one marker on a line to the next, as a share of the panel's diagonal
ACROSS = 4  # keys in a row of the legend
LINES = {"evolution": "-", "random": (0, (3, 2))}
STARTS = {
    "image": "from test images: the decision is the target",
    "noise": "from noise: p of the target above {found_above:g}",
}


@styled
def black_box(rows: pd.DataFrame, title: str = "fooled by class scores alone", *, found_above: float = 0.85) -> Figure:
    """The share of searches that have succeeded after so many queries: a panel for each start.

    `rows`: what `search_scores.py` writes, of one or several classifiers. Evolution is drawn solid, random search
    dashed; at the right end is the final share with its 95 % interval. `found_above`: what p of the target has to
    exceed from noise. Classifiers that share a colour have markers on their lines.
    """
    rows = rows[rows["search"].isin(LINES)]  # an attack that asks for no score has no queries to draw
    classifiers = list(dict.fromkeys(rows["classifier"]))
    if not classifiers:
        raise SpuriousError("there are no rows to draw; give those of one classifier or more")
    looks = classifier_looks(classifiers)
    starts = [start for start in STARTS if start in set(rows["start"])]
    more = max(0, rows_of((len(classifiers), len(LINES)), ACROSS) - rows_of((NARROW, len(LINES)), ACROSS))
    figure = Figure(figsize=(WIDTH, 3.9 + 0.2 * more), layout="constrained")
    panels = figure.subplots(1, len(starts), sharey=True, squeeze=False)[0]
    budget, least = rows["queries"].max(), max(1, rows["queries"].min())
    for axes, start in zip(panels, starts, strict=True):
        own = rows[rows["start"] == start]
        for (classifier, _, search), queries, share in success_curves(own):
            _draw_curve(axes, queries, share, (least, budget), linestyle=LINES[search], **looks[classifier])
        for place, classifier in enumerate(classifiers):
            x = budget * 1.2 ** ((place + 1) * _narrowed(len(classifiers)))
            _draw_ends(axes, own[own["classifier"] == classifier], x, _narrowed(len(classifiers)), looks[classifier])
        counts = own.groupby(["classifier", "search"]).size()
        n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
        axes.set_title(f"{STARTS[start].format(found_above=found_above)}\nn = {n} each", pad=6)
        _query_axis(axes, least, budget, len(classifiers))
    panels[0].set(ylabel="share of the searches that succeeded", ylim=(-0.03, 1.04))
    figure.suptitle(title)
    _legend(figure, looks)
    return figure


def _narrowed(classifiers: int) -> float:
    """By how much the final shares move together so that those of many classifiers leave room for the curves."""
    return min(1.0, (NARROW + 1) / (classifiers + 1))


def _legend(figure: Figure, looks: dict[str, Look]) -> None:
    keys = [Line2D([], [], lw=3, label=name, **look) for name, look in looks.items()]
    ends = {"marker": "o", "markersize": 4, "color": GREY}
    keys.append(Line2D([], [], ls="-", **ends, label="evolution, and its final share"))
    keys.append(Line2D([], [], ls=LINES["random"], markerfacecolor="white", **ends, label="random search"))
    legend_below(figure, keys, across=ACROSS, breaks=(len(looks),))


def _draw_curve(axes: Axes, queries: np.ndarray, share: np.ndarray, ends: tuple[int, int], **look: object) -> None:
    """Steps from one end to the other; after its last success a curve stays where it is."""
    least, budget = ends
    x = np.append(np.maximum(queries, least), budget)
    axes.step(x, np.append(share, share[-1]), where="post", linewidth=1.6, markevery=MARKERS_ALONG, **look)


def _draw_ends(axes: Axes, rows: pd.DataFrame, x: float, narrowed: float, look: Look) -> None:
    """The final shares of a classifier around x, right of the curves: evolution filled, random search hollow."""
    own_look = {"marker": "o", "markersize": 4, "elinewidth": 1, **look}
    for search, face, shift in (("evolution", look["color"], 0.97), ("random", "white", 1.03)):
        own = rows.loc[rows["search"] == search, "success"].astype(bool)
        if len(own):
            low, high = interval(own.sum(), len(own))
            errors = np.maximum([[own.mean() - low], [high - own.mean()]], 0)
            place = x * shift**narrowed
            axes.errorbar(place, own.mean(), errors, **own_look, markerfacecolor=face, linestyle="", clip_on=False)


def _query_axis(axes: Axes, least: int, budget: int, classifiers: int) -> None:
    axes.set_xscale("log")
    end = budget * 1.2 ** ((classifiers + 1) * _narrowed(classifiers))
    axes.set(xlabel="queries (images judged), log scale", xlim=(least, end))
    axes.axvspan(budget * 1.08, end, color="#F4F4F4", linewidth=0, zorder=0)
    axes.text(0.99, 1.0, f"after {budget:,}", transform=axes.transAxes, ha="right", va="bottom", fontsize=8, color=GREY)
    ticks = [tick for power in range(7) for tick in (10**power, 3 * 10**power) if least <= tick < 0.45 * budget]
    axes.set_xticks([*ticks, budget])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
