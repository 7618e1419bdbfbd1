"""The figure of accuracy and found images over the rounds of retraining."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled
from spurious.frames import require_rows
from spurious.perturbations.negatives import NEGATIVES, OF_SEARCH

COLOURS = (BLACK, BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)  # of the negatives, in the order of NEGATIVES
TARGETS = {"none": ("o", "-"), "uniform": ("o", "-"), "extra": ("s", "--")}
TARGET_TEXT = {"uniform": "uniform labels", "extra": "extra class"}


@styled
def retraining(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy, and what each attack still finds, over the rounds of retraining.

    `table`: the rows of the table `retraining`. Colour tells the negatives, line and marker the target;
    lines join means over the seeds, the small dots are single seeds. Each classifier has a row of panels.
    """
    columns = ["negatives", "target", "round", "seed", "accuracy", "accuracy_low", "accuracy_high", "attack", "found"]
    require_rows(table, ["classifier", *columns, "images"])
    classifiers, attacks = (list(dict.fromkeys(table[name])) for name in ("classifier", "attack"))
    figure = Figure(figsize=(WIDTH, 0.9 + 2.6 * len(classifiers)), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    panels = figure.subplots(len(classifiers), 1 + len(attacks), squeeze=False)
    for classifier, row in zip(classifiers, panels, strict=True):
        _draw_classifier(row, classifier, table[table["classifier"] == classifier], attacks)
    figure.suptitle(title)
    figure.legend(handles=_arm_keys(_arms(table)), loc="outside lower center", ncols=3, handlelength=2.8)
    return figure


def _draw_classifier(panels: np.ndarray, classifier: str, table: pd.DataFrame, attacks: list[str]) -> None:
    """The panels of a classifier: its accuracy, and a panel for each of the attacks."""
    per_net = table.drop_duplicates(["negatives", "target", "round", "seed"])
    _draw_arms(panels[0], per_net, "accuracy")
    _widen(panels[0], per_net)
    panels[0].set_ylabel("test accuracy")
    panels[0].set_title(f"{classifier}: accuracy", parse_math=False)
    for axes, attack in zip(panels[1:], attacks, strict=True):
        own = table[table["attack"] == attack]
        _draw_arms(axes, own, "found")
        top = own["images"].max()
        axes.set(ylabel=f"images found, of {top}", title=f"attack: {attack}", ylim=(-0.04 * top, 1.04 * top))


def _widen(axes: Axes, table: pd.DataFrame) -> None:
    """Make the axis of accuracies at least four of a net's intervals high: a difference within noise looks small."""
    width = (table["accuracy_high"] - table["accuracy_low"]).max()
    middle = (table["accuracy"].max() + table["accuracy"].min()) / 2
    half = max(2 * width, 0.6 * (table["accuracy"].max() - table["accuracy"].min()))
    axes.errorbar(-0.15, middle, width / 2, color=GREY, capsize=2, elinewidth=1)
    below = {"textcoords": "offset points", "va": "top", "fontsize": 7, "color": GREY}
    axes.annotate("95 % interval of a net", (-0.15, middle - width / 2), (-4, -5), **below)
    top = min(middle + half, 1.0 + 0.1 * half)
    axes.set_ylim(top - 2 * half, top)


def _colour(negatives: str) -> str:
    """The colour of these negatives; beyond as many as there are colours, these come again.

    The images of another search than the first have the last one.
    """
    if negatives.startswith(OF_SEARCH):
        return COLOURS[-1]
    return COLOURS[list(NEGATIVES).index(negatives) % len(COLOURS)] if negatives in NEGATIVES else GREY


def _arm_keys(arms: list[tuple[str, str]]) -> list[Line2D]:
    """A key per colour and per line style: shorter than one per arm."""
    negatives = [(name, _colour(name)) for name in dict.fromkeys(name for name, _ in arms)]
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
    for (negatives, target), offset in zip(arms, np.linspace(-0.05, 0.05, len(arms)), strict=True):
        own = later[(later["negatives"] == negatives) & (later["target"] == target)]
        marker, line = TARGETS.get(target, ("o", "-"))
        color = _colour(negatives)
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
