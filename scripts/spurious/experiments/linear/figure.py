"""The figure of the regularization sweep: accuracy against resistance, and against the templates' smoothness."""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from spurious.errors import SpuriousError
from spurious.figures.legends import legend_below
from spurious.figures.style import BLACK, BLUE, GREY, WIDTH, styled
from spurious.frames import require

STEP, ROUGHNESS = "l2_median", "total_variation"
HOLLOW = {"marker": "o", "markersize": 6, "markerfacecolor": "white"}  # the seeds are seen inside
ARROW = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 4, "shrinkB": 4, "color": BLUE, "linewidth": 0}
MARKER = 4.0  # pixels around the middle of a point that are its own
PLACES = [  # of a name beside its point, in points, the best first
    ((3, 3), ("left", "bottom")),
    ((-3, -3), ("right", "top")),
    ((-3, 3), ("right", "bottom")),
    ((3, -3), ("left", "top")),
    ((0, 5), ("center", "bottom")),
    ((0, -5), ("center", "top")),
    ((0, 17), ("center", "bottom")),
    ((0, -17), ("center", "top")),
]
NEEDED = ["weight_decay", "seed", "split", "n", "accuracy", "low", "high", STEP, "l2_low", "l2_high", ROUGHNESS]


@styled
def linear(table: pd.DataFrame, title: str = "linear classifiers, one for each weight decay") -> Figure:
    """Accuracy over the median smallest L2 step, and over the roughness of the templates: a point per weight decay.

    `table`: the rows of the table `linear`. Large points are means over the seeds with their intervals; small points
    are single seeds.
    """
    require(table, NEEDED, "the table linear")
    if table.empty:
        raise SpuriousError("the table linear has no rows to draw")
    figure = Figure(figsize=(WIDTH, 3.7), layout="constrained")
    figure.get_layout_engine().set(wspace=0.05)
    resistance, smoothness = figure.subplots(1, 2, sharey=True)
    means = table[table["seed"].astype(str) == "all"].sort_values("weight_decay")
    seeds = table[table["seed"].astype(str) != "all"]
    _draw(resistance, means, seeds, STEP, means[["l2_low", "l2_high"]].to_numpy())
    _draw(smoothness, means, seeds, ROUGHNESS, None)
    resistance.set_xscale("log")
    resistance.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    resistance.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    resistance.xaxis.set_minor_formatter(NullFormatter())
    split, n = means["split"].iloc[0], seeds["n"].iloc[0]
    step = "median smallest L2 step to another class\n(pixels in [0, 1])"
    resistance.set(xlabel=step, ylabel=f"accuracy ({split}, n = {n:,})")
    resistance.set_title("more resistant \N{RIGHTWARDS ARROW}", loc="right", color=GREY)
    smoothness.set(xlabel="relative total variation of the templates")
    smoothness.set_title("\N{LEFTWARDS ARROW} smoother", loc="left", color=GREY)
    for axes in (resistance, smoothness):
        axes.margins(x=0.14, y=0.12)
    figure.suptitle(title)
    legend_below(figure, _keys(), across=2)
    figure.draw_without_rendering()  # only now the points have their places
    _write_names(resistance, means, STEP)
    _write_names(smoothness, means, ROUGHNESS)
    return figure


def _draw(axes: Axes, means: pd.DataFrame, seeds: pd.DataFrame, column: str, bounds: np.ndarray | None) -> None:
    """A line through the weight decays in their order, with arrows to the stronger ones and with intervals."""
    x, y = means[column].to_numpy(), means["accuracy"].to_numpy()
    sideways = None if bounds is None else np.maximum([x - bounds[:, 0], bounds[:, 1] - x], 0)
    upwards = np.maximum([y - means["low"], means["high"] - y], 0)
    axes.plot(x, y, color=BLUE, linewidth=0.8, alpha=0.6)
    for weaker, stronger in pairwise(zip(x, y, strict=True)):
        axes.add_patch(FancyArrowPatch(weaker, stronger, **ARROW))
    axes.errorbar(x, y, upwards, sideways, color=BLUE, elinewidth=1, linestyle="", **HOLLOW)
    axes.scatter(seeds[column], seeds["accuracy"], s=7, color=BLACK, alpha=0.6, linewidths=0, zorder=3)


def _write_names(axes: Axes, means: pd.DataFrame, column: str) -> None:
    """The weight decays beside their points, each where it hides the least of the others and of the line."""
    points = axes.transData.transform(means[[column, "accuracy"]].to_numpy(dtype=float))
    taken = [Bbox.from_extents(*(point - MARKER), *(point + MARKER)) for point in points]
    path = np.concatenate([np.linspace(*ends, 60) for ends in pairwise(points)] or [points])
    for decay, x, y in means[["weight_decay", column, "accuracy"]].itertuples(index=False):
        options = []
        for offset, (across, up) in PLACES:
            name = axes.annotate(f"{decay:g}", (x, y), offset, textcoords="offset points", ha=across, va=up, fontsize=8)
            box = name.get_window_extent()
            hidden = sum(box.overlaps(other) for other in taken) * len(path) + box.count_contains(path)
            options.append((hidden, len(options), box, name))
        *_, box, best = min(options, key=lambda option: option[:2])
        taken.append(box)
        for *_, name in options:
            if name is not best:
                name.remove()


def _keys() -> list[Line2D]:
    means = "weight decay (mean of the seeds), stronger along the arrows"
    return [
        Line2D([], [], color=BLUE, linewidth=0.8, **HOLLOW, label=means),
        Line2D([], [], color=BLACK, marker="o", markersize=2.7, linestyle="", label="one seed"),
        Line2D([], [], color=BLUE, marker="+", markersize=9, linestyle="", label="95 % intervals of accuracy and step"),
    ]
