"""The figure of accuracy and found images over the rounds of retraining."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.retraining.looks import LINES, MARKERS, Look, arm_keys, arms_of, looks
from spurious.figures.legends import legend_below
from spurious.figures.style import BLACK, GREY, WIDTH, styled
from spurious.frames import require, require_rows
from spurious.wording import plural

TITLE = "what each attack still finds, and the accuracy, over the rounds of retraining"


@styled
def retraining(table: pd.DataFrame, summary: pd.DataFrame, title: str = TITLE) -> Figure:
    """Accuracy, and what each attack still finds, over the rounds of retraining.

    `table` and `summary`: the tables `retraining` and `retraining-summary`, which has the numbers of test images of
    all seeds (`accuracy_n, seeds`). Colour tells the negatives, line and marker the target;
    lines join means over the seeds, the small dots are single seeds. Each classifier has a row of panels.
    """
    columns = ["negatives", "target", "round", "seed", "accuracy", "accuracy_low", "accuracy_high", "attack", "found"]
    require_rows(table, ["classifier", *columns, "images"])
    require(summary, ["classifier", "accuracy_n", "seeds"], "the table retraining-summary")
    classifiers, attacks = (list(dict.fromkeys(table[name])) for name in ("classifier", "attack"))
    figure = Figure(figsize=(WIDTH, 0.9 + 2.6 * len(classifiers)), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    panels = figure.subplots(len(classifiers), 1 + len(attacks), squeeze=False)
    own_looks = looks(arms_of(table))
    for classifier, row in zip(classifiers, panels, strict=True):
        _draw_classifier(row, classifier, table[table["classifier"] == classifier], attacks, own_looks)
        row[0].set_title(f"{classifier}: accuracy\n{_judged(summary, classifier)}", parse_math=False)
    figure.suptitle(title)
    negatives, targets = arm_keys(arms_of(table))
    legend_below(figure, negatives + targets, breaks=(len(negatives),), handlelength=2.8)
    return figure


def _draw_classifier(
    panels: np.ndarray, classifier: str, table: pd.DataFrame, attacks: list[str], own_looks: Mapping[str, Look]
) -> None:
    """The panels of a classifier: its accuracy, and a panel for each of the attacks."""
    per_net = table.drop_duplicates(["negatives", "target", "round", "seed"])
    _draw_arms(panels[0], per_net, "accuracy", own_looks)
    _widen(panels[0], per_net)
    panels[0].set_ylabel("test accuracy")
    for axes, attack in zip(panels[1:], attacks, strict=True):
        own = table[table["attack"] == attack]
        _draw_arms(axes, own, "found", own_looks)
        top = own["images"].max()
        axes.set(ylabel=f"images found, of {top}", title=f"attack: {attack}", ylim=(-0.04 * top, 1.04 * top))


def _judged(summary: pd.DataFrame, classifier: str) -> str:
    """How many test images each net of a classifier judges, and the nets of how many seeds."""
    first = summary[summary["classifier"] == classifier].iloc[0]
    images = plural(round(first["accuracy_n"] / first["seeds"]), "test image")
    return f"{images}, {plural(first['seeds'], 'seed')}"


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


def _draw_arms(axes: Axes, table: pd.DataFrame, column: str, own_looks: Mapping[str, Look]) -> None:
    """One line per arm, moved sideways a little so that the arms do not hide each other."""
    start = table[table["round"] == 0]
    later = table[table["round"] > 0]
    arms = arms_of(later)
    for (negatives, target), offset in zip(arms, np.linspace(-0.05, 0.05, len(arms)), strict=True):
        own = later[(later["negatives"] == negatives) & (later["target"] == target)]
        look = own_looks[negatives]
        means = pd.concat([start, own]).groupby("round")[column].mean()
        x = [number + (offset if number else 0) for number in means.index]
        drawn = {"marker": MARKERS[target], "linestyle": LINES[target], **look}
        axes.plot(x, means, markersize=4.5, linewidth=1.2, **drawn)
        axes.scatter(own["round"] + offset, own[column], s=5, color=look["color"], alpha=0.5, linewidths=0)
    axes.scatter(start["round"], start[column], s=5, color=BLACK, alpha=0.5, linewidths=0)
    axes.set_xlabel("round")
    axes.set_xticks(sorted(table["round"].unique()))
