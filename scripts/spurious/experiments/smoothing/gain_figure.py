"""The figure of what blurring and voting gain, image by image."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.smoothing.looks import looks
from spurious.experiments.smoothing.rates_figure import MAJORITY
from spurious.figures.legends import legend_below
from spurious.figures.style import GREY, WIDTH, styled
from spurious.frames import require_rows
from spurious.statistics.intervals import paired_interval

VOTE = ("majority, a rejection is wrong", *MAJORITY["acc_maj_all"][1:])
POINTS = 100  # of accuracy in 1


@styled
def gain(table: pd.DataFrame, title: str) -> Figure:
    """Accuracy gained over the first view against the noise: a panel per classifier, the smallest kernel.

    `table`: rows of the table `smoothing-tests`, from the counts of which the paired 95 % intervals are computed.
    """
    require_rows(table, ["classifier", "kernel", "sigma", "first", "second", "n", "only_first", "only_second"])
    base = table["first"].iloc[0]
    table = table[(table["kernel"] == table["kernel"].min()) & (table["first"] == base)]
    seconds = list(dict.fromkeys(table["second"]))
    views = looks([base, *(name for name in seconds if name != "majority")])
    drawn = {name: views.get(name, VOTE) for name in seconds}
    classifiers = list(dict.fromkeys(table["classifier"]))
    figure = Figure(figsize=(WIDTH, 0.9 + 2.4 * len(classifiers)), layout="constrained")
    for axes, name in zip(figure.subplots(len(classifiers), squeeze=False)[:, 0], classifiers, strict=True):
        own = table[table["classifier"] == name]
        _draw(axes, own, drawn)
        axes.set_title(f"{name}, {own['kernel'].iloc[0]} taps, n = {own['n'].iloc[0]:,}")
        axes.set_ylabel(f"points gained over\n{views[base][0]}")
        axes.set_xticks(sorted(own["sigma"].unique()))
    axes.set_xlabel("standard deviation of the noise")
    figure.suptitle(title)
    legend_below(figure, *axes.get_legend_handles_labels())
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, drawn: dict[str, tuple[str, str, str]]) -> None:
    """The gain of each with its interval, beside each other so that they can be told apart."""
    gap = 0.03 * max(rows["sigma"].max() - rows["sigma"].min(), 0.01)
    axes.axhline(0, color=GREY, linewidth=1)
    for place, (second, (text, color, marker)) in enumerate(drawn.items()):
        own = rows[rows["second"] == second].sort_values("sigma")
        counts = own[["only_second", "only_first", "n"]]
        value = POINTS * ((own["only_second"] - own["only_first"]) / own["n"]).to_numpy()
        bounds = POINTS * np.array([paired_interval(*row) for row in counts.itertuples(index=False)])
        errors = np.maximum([value - bounds[:, 0], bounds[:, 1] - value], 0)
        x = own["sigma"] + (place - (len(drawn) - 1) / 2) * gap
        axes.errorbar(
            x, value, errors, color=color, marker=marker, markersize=4, linestyle="", elinewidth=1, label=text
        )


def figure(table: pd.DataFrame) -> Figure:
    """What the table `smoothing-tests` says of every view and of the majority beside the first view."""
    return gain(table, "what blurring and voting gain under noise, in points of accuracy over all images")
