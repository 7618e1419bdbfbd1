"""The figure of accuracy and reject rate over the noise."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spurious.experiments.smoothing.looks import looks
from spurious.experiments.smoothing.published import published_rates
from spurious.experiments.smoothing.rates import rates_of
from spurious.figures.legends import legend_below
from spurious.figures.style import GREY, ORANGE, VERMILION, WIDTH, styled
from spurious.frames import require_rows

MAJORITY = {  # column of smoothing.csv: (legend, colour, marker)
    "acc_maj": ("majority, of the accepted", VERMILION, "^"),
    "acc_maj_all": ("majority, of all", ORANGE, "v"),
}
HOLLOW = {"markersize": 7.5, "markerfacecolor": "none", "markeredgewidth": 1}


def accuracies(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Legend, colour and marker of each accuracy of smoothing.csv: that of every view, then the majority's."""
    views = [name.removeprefix("acc_") for name in rates_of(table) if name not in (*MAJORITY, "reject_rate")]
    return {f"acc_{view}": look for view, look in looks(views).items()} | MAJORITY


@styled
def smoothing(table: pd.DataFrame, title: str, published: pd.DataFrame | None = None) -> Figure:
    """Accuracy and reject rate over the noise: rows are classifiers, columns kernels.

    `table`: the rows of `smoothing.csv`, every rate with its 95 % bounds `<name>_low` and `<name>_high`. `published`:
    what `published_rates` returns, drawn as hollow markers beside every classifier.
    """
    columns = [name + end for name in [*accuracies(table), "reject_rate"] for end in ("", "_low", "_high")]
    require_rows(table, ["classifier", "kernel", "sigma", "n", *columns])
    classifiers, kernels = list(dict.fromkeys(table["classifier"])), sorted(table["kernel"].unique())
    figure = Figure(figsize=(WIDTH, 0.9 + 3.4 * len(classifiers)), layout="constrained")
    ratios = [2.6, 1] * len(classifiers)
    panels = figure.subplots(len(ratios), len(kernels), sharex=True, sharey="row", squeeze=False, height_ratios=ratios)
    for i, classifier in enumerate(classifiers):
        for j, kernel in enumerate(kernels):
            own = table[(table["classifier"] == classifier) & (table["kernel"] == kernel)].sort_values("sigma")
            theirs = None if published is None else published[published["kernel"] == kernel].sort_values("sigma")
            _draw_smoothing(panels[2 * i, j], panels[2 * i + 1, j], own, theirs)
            panels[2 * i, j].set_title(f"{classifier}, {kernel} taps, n = {own['n'].iloc[0]:,}")
        own = table[table["classifier"] == classifier]
        panels[2 * i + 1, 0].set_ylim(0, 1.08 * own["reject_rate_high"].max() or 1)  # the panels of a row share it
        for axes, kernel in zip(panels[2 * i + 1], kernels, strict=True):
            _say_where_none_is_rejected(axes, own[own["kernel"] == kernel])
        panels[2 * i, 0].set_ylabel("accuracy")
        panels[2 * i + 1, 0].set_ylabel("rejected")
    for axes in panels[-1]:
        axes.set(xlabel="standard deviation of the noise", xticks=sorted(table["sigma"].unique()))
    figure.suptitle(title)
    handles, _ = panels[0, 0].get_legend_handles_labels()
    legend_below(figure, [*handles, *_published_keys(published)])
    return figure


def _draw_smoothing(accuracy: Axes, reject: Axes, rows: pd.DataFrame, published: pd.DataFrame | None) -> None:
    """Every rate with its interval, moved sideways a little so that the intervals can be told apart."""
    gap = 0.012 * max(rows["sigma"].max() - rows["sigma"].min(), 0.01)
    drawn = [(accuracy, name, *look) for name, look in accuracies(rows).items()]
    steps = [place - (len(drawn) - 1) / 2 for place in range(len(drawn))]
    drawn.append((reject, "reject_rate", "reject rate", GREY, "o"))
    for step, (axes, name, text, color, marker) in zip([*steps, 0], drawn, strict=True):
        _rate(axes, rows, name, step * gap, color=color, marker=marker, label=text)
        if published is not None:
            own = published[published["rate"] == name]
            axes.plot(own["sigma"] + step * gap, own["value"], marker, color=color, **HOLLOW)


def _say_where_none_is_rejected(axes: Axes, rows: pd.DataFrame) -> None:
    """A sentence above a row of zeros."""
    if (rows["reject_rate"] == 0).all():
        place = {"transform": axes.transAxes, "ha": "center", "va": "top", "zorder": 4}  # before the intervals
        box = {"facecolor": "white", "linewidth": 0, "pad": 1}
        axes.text(0.5, 0.97, "rejects none at any sigma", fontsize=8, color=GREY, bbox=box, **place)


def _published_keys(published: pd.DataFrame | None) -> list[Line2D]:
    if published is None or published.empty:
        return []
    names = ", ".join(dict.fromkeys(published["name"]))
    return [Line2D([], [], color=GREY, marker="o", linestyle="", label=f"published ({names})", **HOLLOW)]


def _rate(axes: Axes, rows: pd.DataFrame, name: str, offset: float, **look: str) -> None:
    value = rows[name]
    # A bound may lie inside by a rounding error of its last digit: matplotlib refuses negative lengths.
    errors = np.maximum([value - rows[f"{name}_low"], rows[f"{name}_high"] - value], 0)
    axes.errorbar(rows["sigma"] + offset, value, errors, markersize=4, linewidth=1.2, elinewidth=1, **look)


def figure(table: pd.DataFrame, published: pd.DataFrame, dataset: str) -> Figure:
    """The rates of the table `smoothing`, beside those that the write-up has of the dataset."""
    title = "accuracy under noise, of every view and of the vote, and what the vote rejects"
    return smoothing(table, title, published_rates(published, dataset))
