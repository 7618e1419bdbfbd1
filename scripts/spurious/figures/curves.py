"""Figures of curves: p during a search, accuracy over rounds, accuracy over noise."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spurious.errors import SpuriousError
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled

NEGATIVES = {"none": BLACK, "uniform": BLUE, "normal": ORANGE, "backworked": GREEN}
TARGETS = {"none": ("o", "-"), "uniform": ("o", "-"), "extra": ("s", "--")}
TARGET_TEXT = {"uniform": "uniform labels", "extra": "extra class"}
RATES = {  # column of smoothing.csv: (legend, colour, marker)
    "acc_ns": ("not blurred", BLACK, "o"),
    "acc_ss": ("blurred once", BLUE, "s"),
    "acc_ds": ("blurred twice", SKY, "D"),
    "acc_maj": ("majority, of the accepted", VERMILION, "^"),
    "acc_maj_all": ("majority, of all", ORANGE, "v"),
}
P_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


@styled
def trace(rows: pd.DataFrame, title: str, *, found_above: float = 0.999) -> Figure:
    """p of the label during each search: every image, their median and the band from 10 to 90 %.

    `rows`: `seed, label, search, step, image, p`. The axis of p is logistic, so that .001 and .999 are as
    far from .5 as each other; p beyond its ends is drawn at them. An image whose search has ended keeps its
    last p: else the median would be that of the slowest searches.
    """
    _require(rows, ["seed", "label", "search", "step", "image", "p"])
    searches = list(dict.fromkeys(rows["search"]))
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, len(searches), sharey=True, squeeze=False)[0]
    for axes, search in zip(panels, searches, strict=True):
        _draw_trace(axes, _paths(rows[rows["search"] == search]))
        axes.axhline(found_above, color=VERMILION, linestyle="--", linewidth=1, label=f"p = {found_above:g}")
        axes.set(title=search, xlabel="step")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    _probability_axis(panels[0])
    figure.suptitle(title)
    handles, texts = panels[0].get_legend_handles_labels()
    keys = figure.legend(handles, texts, loc="outside lower center", ncols=4).legend_handles
    keys[0].set(alpha=1, linewidth=0.8)  # as faint as one image is drawn, its key could not be seen
    return figure


def _paths(rows: pd.DataFrame) -> pd.DataFrame:
    """p of every image (columns) at every step (rows), the last one kept to the end."""
    return rows.pivot(index="step", columns=["seed", "label", "image"], values="p").sort_index().ffill()


def _draw_trace(axes: Axes, paths: pd.DataFrame) -> None:
    lines = axes.plot(paths.index, paths.clip(3e-4, 1 - 1e-4), color=GREY, linewidth=0.4, alpha=0.18)
    for line in lines:  # hundreds of paths would make the SVG megabytes large
        line.set_rasterized(True)
    lines[0].set_label("one image")
    low, middle, high = (paths.quantile(q, axis=1).clip(3e-4, 1 - 1e-4) for q in (0.1, 0.5, 0.9))
    axes.fill_between(paths.index, low, high, color=BLUE, alpha=0.25, linewidth=0, label="10 to 90 %")
    axes.plot(paths.index, middle, color=BLUE, linewidth=2, label="median")


def _probability_axis(axes: Axes) -> None:
    axes.set_yscale("logit")
    axes.set(ylim=(2.5e-4, 1 - 8e-5), ylabel="p of the label")
    axes.yaxis.set_major_locator(FixedLocator(P_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda p, _: f"{p:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


@styled
def retraining(table: pd.DataFrame, title: str) -> Figure:
    """Accuracy, and what each attack still finds, over the rounds of retraining.

    `table`: the rows of the table `retraining`. Colour tells the negatives, line and marker the target;
    lines join means over the seeds, the small dots are single seeds.
    """
    _require(table, ["negatives", "target", "round", "seed", "accuracy", "attack", "found", "images"])
    attacks = list(dict.fromkeys(table["attack"]))
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    panels = figure.subplots(1, 1 + len(attacks), squeeze=False)[0]
    per_net = table.drop_duplicates(["negatives", "target", "round", "seed"])
    _draw_arms(panels[0], per_net, "accuracy")
    panels[0].set(ylabel="test accuracy", title="accuracy")
    for axes, attack in zip(panels[1:], attacks, strict=True):
        own = table[table["attack"] == attack]
        _draw_arms(axes, own, "found")
        top = own["images"].max()
        axes.set(ylabel=f"images found, of {top}", title=f"attack: {attack}", ylim=(-0.04 * top, 1.04 * top))
    figure.suptitle(title)
    figure.legend(handles=_arm_keys(_arms(table)), loc="outside lower center", ncols=3, handlelength=2.8)
    return figure


def _arm_keys(arms: list[tuple[str, str]]) -> list[Line2D]:
    """A key per colour and per line style: shorter than one per arm."""
    negatives = [(name, NEGATIVES.get(name, PURPLE)) for name in dict.fromkeys(name for name, _ in arms)]
    targets = sorted({target for _, target in arms} - {"none"}, reverse=True)
    colors = [Line2D([], [], color=color, lw=3, label=f"negatives: {name}") for name, color in negatives]
    styles = [(target, *TARGETS.get(target, ("o", "-"))) for target in targets]
    return colors + [
        Line2D([], [], color=GREY, marker=marker, ls=line, label=f"target: {TARGET_TEXT.get(target, target)}")
        for target, marker, line in styles
    ]


def _draw_arms(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """One line per arm, moved sideways a little so that the arms do not hide each other."""
    start = table[table["round"] == 0]
    later = table[table["round"] > 0]
    arms = _arms(later)
    for (negatives, target), offset in zip(arms, np.linspace(-0.21, 0.21, len(arms)), strict=True):
        own = later[(later["negatives"] == negatives) & (later["target"] == target)]
        marker, line = TARGETS.get(target, ("o", "-"))
        color = NEGATIVES.get(negatives, PURPLE)
        means = pd.concat([start, own]).groupby("round")[column].mean()
        x = [number + (offset if number else 0) for number in means.index]
        axes.plot(x, means, color=color, marker=marker, linestyle=line, markersize=4.5, linewidth=1.2)
        axes.scatter(own["round"] + offset, own[column], s=5, color=color, alpha=0.5, linewidths=0)
    axes.scatter(start["round"], start[column], s=5, color=BLACK, alpha=0.5, linewidths=0)
    axes.set_xlabel("round")
    axes.set_xticks(sorted(table["round"].unique()))


def _arms(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The arms (negatives, target) in the order of the legend: by negatives, as in NEGATIVES."""
    order = [*NEGATIVES]
    arms = dict.fromkeys(zip(table["negatives"], table["target"], strict=True))
    return sorted(arms, key=lambda arm: order.index(arm[0]) if arm[0] in order else len(order))


@styled
def smoothing(table: pd.DataFrame, title: str) -> Figure:
    """Accuracy and reject rate over the noise: rows are classifiers, columns kernels.

    `table`: the rows of `smoothing.csv`, every rate with its 95 % bounds `<name>_low` and `<name>_high`.
    """
    columns = [name + end for name in [*RATES, "reject_rate"] for end in ("", "_low", "_high")]
    _require(table, ["classifier", "kernel", "sigma", "n", *columns])
    classifiers, kernels = list(dict.fromkeys(table["classifier"])), sorted(table["kernel"].unique())
    figure = Figure(figsize=(WIDTH, 0.9 + 3.4 * len(classifiers)), layout="constrained")
    ratios = [2.6, 1] * len(classifiers)
    panels = figure.subplots(len(ratios), len(kernels), sharex=True, sharey="row", squeeze=False, height_ratios=ratios)
    for i, classifier in enumerate(classifiers):
        for j, kernel in enumerate(kernels):
            own = table[(table["classifier"] == classifier) & (table["kernel"] == kernel)].sort_values("sigma")
            _draw_smoothing(panels[2 * i, j], panels[2 * i + 1, j], own)
            panels[2 * i, j].set_title(f"{classifier}, {kernel} taps, n = {own['n'].iloc[0]:,}")
        panels[2 * i, 0].set_ylabel("accuracy")
        panels[2 * i + 1, 0].set_ylabel("rejected")
    for axes in panels[-1]:
        axes.set(xlabel="standard deviation of the noise", xticks=sorted(table["sigma"].unique()))
    figure.suptitle(title)
    handles, texts = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3)
    return figure


def _draw_smoothing(accuracy: Axes, reject: Axes, rows: pd.DataFrame) -> None:
    """Every rate with its interval, moved sideways a little so that the intervals can be told apart."""
    gap = 0.012 * max(rows["sigma"].max() - rows["sigma"].min(), 0.01)
    for step, (name, (text, color, marker)) in zip(np.arange(-2, 3), RATES.items(), strict=True):
        _rate(accuracy, rows, name, step * gap, color=color, marker=marker, label=text)
    _rate(reject, rows, "reject_rate", 0.0, color=GREY, marker="o", label="reject rate")
    reject.set_ylim(bottom=0)


def _rate(axes: Axes, rows: pd.DataFrame, name: str, offset: float, **look: str) -> None:
    value = rows[name]
    # A bound may lie inside by a rounding error of its last digit: matplotlib refuses negative lengths.
    errors = np.maximum([value - rows[f"{name}_low"], rows[f"{name}_high"] - value], 0)
    axes.errorbar(rows["sigma"] + offset, value, errors, markersize=4, linewidth=1.2, elinewidth=1, **look)


def _require(frame: pd.DataFrame, columns: list[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise SpuriousError(f"the column {', '.join(missing)} is missing; found {', '.join(frame.columns)}")
    if frame.empty:
        raise SpuriousError("there are no rows to draw; check the names that select them")
