"""Figures of curves: p during a search, accuracy over rounds, accuracy over noise, error over coverage."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spurious.errors import SpuriousError
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled
from spurious.reproduced import QUANTITIES, SMOOTHING

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
HOLLOW = {"markersize": 7.5, "markerfacecolor": "none", "markeredgewidth": 1}
SCORES = {  # score of risk_curves: (legend, colour, line)
    "ns": ("p, not blurred", BLACK, "-"),
    "ss": ("p, blurred once", BLUE, "-"),
    "ds": ("p, blurred twice", SKY, "-"),
    "vote": ("agreeing votes", VERMILION, "--"),
    "combined": ("agreeing votes, then p", ORANGE, "-"),
}
LEAST = 0.02  # coverage: the error among fewer images is mere chance
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
def smoothing(table: pd.DataFrame, title: str, published: pd.DataFrame | None = None) -> Figure:
    """Accuracy and reject rate over the noise: rows are classifiers, columns kernels.

    `table`: the rows of `smoothing.csv`, every rate with its 95 % bounds `<name>_low` and `<name>_high`. `published`:
    what `published_rates` returns, drawn as hollow markers beside every classifier.
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
            theirs = None if published is None else published[published["kernel"] == kernel].sort_values("sigma")
            _draw_smoothing(panels[2 * i, j], panels[2 * i + 1, j], own, theirs)
            panels[2 * i, j].set_title(f"{classifier}, {kernel} taps, n = {own['n'].iloc[0]:,}")
        panels[2 * i, 0].set_ylabel("accuracy")
        panels[2 * i + 1, 0].set_ylabel("rejected")
    for axes in panels[-1]:
        axes.set(xlabel="standard deviation of the noise", xticks=sorted(table["sigma"].unique()))
    figure.suptitle(title)
    handles, _ = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles=[*handles, *_published_keys(published)], loc="outside lower center", ncols=3)
    return figure


def published_rates(numbers: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The smoothing write-up's rates on a dataset: `rate, kernel, sigma, value, name`, name being its classifier.

    `numbers`: the rows of published.csv, whose settings read "imagenet-samples, ResNet50, 5 taps, sigma 0.25".
    """
    rates = {quantity: rate for rate, quantity in QUANTITIES.items()}
    pattern = rf"^{re.escape(dataset)}, (?P<name>.+), (?P<kernel>[0-9]+) taps, sigma (?P<sigma>[0-9.]+)$"
    own = numbers[(numbers["source"] == SMOOTHING) & numbers["quantity"].isin(list(rates))]
    settings = own["setting"].str.extract(pattern).assign(rate=own["quantity"].map(rates), value=own["published"])
    return settings.dropna().astype({"kernel": int, "sigma": float})


def _draw_smoothing(accuracy: Axes, reject: Axes, rows: pd.DataFrame, published: pd.DataFrame | None) -> None:
    """Every rate with its interval, moved sideways a little so that the intervals can be told apart."""
    gap = 0.012 * max(rows["sigma"].max() - rows["sigma"].min(), 0.01)
    looks = [(accuracy, name, *look) for name, look in RATES.items()]
    looks.append((reject, "reject_rate", "reject rate", GREY, "o"))
    for step, (axes, name, text, color, marker) in zip([*range(-2, 3), 0], looks, strict=True):
        _rate(axes, rows, name, step * gap, color=color, marker=marker, label=text)
        if published is not None:
            own = published[published["rate"] == name]
            axes.plot(own["sigma"] + step * gap, own["value"], marker, color=color, **HOLLOW)
    reject.set_ylim(bottom=0)


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


@styled
def risk(lines: pd.DataFrame, table: pd.DataFrame, title: str) -> Figure:
    """The error among the images that are answered, over how many those are: a panel per sigma.

    `lines`: `sigma, score, coverage, risk` of one classifier and kernel; `table`: their `sigma, n, coverage, acc_vote`
    with its bounds, drawn as a point, and the areas `aurc_<score>`, printed above the panel in the lines' colours and
    the legend's order. Lines start at the coverage LEAST.
    """
    _require(lines, ["sigma", "score", "coverage", "risk"])
    areas = [f"aurc_{score}" for score in SCORES]
    _require(table, ["sigma", "n", "coverage", "acc_vote", "acc_vote_low", "acc_vote_high", *areas])
    count = len(table)
    rows = -(-count // 2)
    figure = Figure(figsize=(WIDTH, 0.85 + 2.75 * rows), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.06, wspace=0.05)
    panels = figure.subplots(rows, 2, squeeze=False)
    for axes, row in zip(panels.flat, table.sort_values("sigma").itertuples(), strict=False):
        _draw_risk(axes, lines[lines["sigma"] == row.sigma], row)
    for axes in panels.flat[count:]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("error among the answered")
    for axes in panels.flat[max(count - 2, 0) : count]:
        axes.set_xlabel("coverage: share of images answered")
    figure.suptitle(title)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_risk(axes: Axes, lines: pd.DataFrame, row: tuple) -> None:
    for place, (score, (text, color, line)) in enumerate(SCORES.items()):
        own = lines[(lines["score"] == score) & (lines["coverage"] >= LEAST)]
        axes.plot(own["coverage"], own["risk"], color=color, linestyle=line, linewidth=1.3, label=text)
        area = f"{getattr(row, f'aurc_{score}'):.3f}"
        axes.text(0.3 + 0.175 * place, 1.03, area, color=color, fontsize=8, ha="right", transform=axes.transAxes)
    axes.text(0, 1.03, "area:", fontsize=8, transform=axes.transAxes)
    bounds = np.maximum([[row.acc_vote_high - row.acc_vote], [row.acc_vote - row.acc_vote_low]], 0)
    look = {"marker": "^", "markersize": 5, "color": VERMILION, "label": "majority vote"}
    axes.errorbar(row.coverage, 1 - row.acc_vote, bounds, **look)
    axes.set_title(f"sigma {row.sigma:g}, n = {row.n:,}", pad=17)
    axes.set(xlim=(0, 1.03), ylim=(0, None))


def _require(frame: pd.DataFrame, columns: list[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise SpuriousError(f"the column {', '.join(missing)} is missing; found {', '.join(frame.columns)}")
    if frame.empty:
        raise SpuriousError("there are no rows to draw; check the names that select them")
