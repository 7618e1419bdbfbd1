"""Figures of fooling by scores alone, and of what fooling images do to other classifiers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from spurious.black_box_table import success_curves
from spurious.errors import SpuriousError
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, bare, styled
from spurious.statistics import wilson
from spurious.tables import require

COLORS = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK]
LINES = {"evolution": "-", "random": (0, (3, 2))}
STARTS = {
    "image": "from test images: the decision is the target",
    "noise": "from noise: p of the target above threshold",
}
HEAT = LinearSegmentedColormap.from_list("share", ["#FFFFFF", "#B7D5EA", "#4F94C4", "#0B3C68"])


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


Pictures = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


@styled
def black_box_images(rows: pd.DataFrame, pictures: Pictures, title: str, *, count: int = 3) -> Figure:
    """Images before and after evolution: a row for each classifier, the first `count` from images and from noise.

    `rows`: what `search_scores.py` writes; `pictures`: by (classifier, start) the images before and after, (n, H, W)
    each, pixels in [0, 1], in the order of the rows. Under an image stands its label, under noise p of the target;
    under the result the decision with p of the target, in italics where the search did not succeed.
    """
    classifiers = list(dict.fromkeys(rows["classifier"]))
    height = 0.8 + 0.72 * len(classifiers)
    figure = Figure(figsize=(WIDTH, height))  # a solved layout of so many panels differs in its last digits every time
    left = 0.02 + 0.0115 * max(map(len, classifiers))
    places = {"left": left, "right": 0.99, "top": 1 - 0.52 / height, "bottom": 0.42 / height}
    widths = [1] * 2 * count + [0.35] + [1] * 2 * count
    spaces = {"wspace": 0.08, "hspace": 0.3}
    grid = figure.subplots(
        len(classifiers), len(widths), squeeze=False, width_ratios=widths, gridspec_kw=places | spaces
    )
    for axes in grid.flat:
        bare(axes)
        axes.xaxis.label.set(size=7.5, color=BLACK)
        axes.xaxis.labelpad = 2
    for line, classifier in zip(grid, classifiers, strict=True):
        line[0].set_ylabel(classifier, rotation=0, ha="right", va="center", fontsize=9.5, labelpad=8)
        for start, own in (("image", line[: 2 * count]), ("noise", line[-2 * count :])):
            chosen = (rows["classifier"] == classifier) & (rows["start"] == start) & (rows["search"] == "evolution")
            _draw_pairs(own, rows[chosen].head(count), *pictures[classifier, start])
    grid[0, 0].set_title("from test images", loc="left", fontsize=9)
    grid[0, -2 * count].set_title("from noise", loc="left", fontsize=9)
    figure.suptitle(title, y=1 - 0.07 / height)
    note = "before: label, or p of the target; after: decision (p of the target), in italics where the search failed"
    figure.supxlabel(note, fontsize=8, color=GREY, y=0.06 / height)
    return figure


def _draw_pairs(line: np.ndarray, rows: pd.DataFrame, before: np.ndarray, after: np.ndarray) -> None:
    """Axes of a row, two for each search: where it began and what it found."""
    for place, row in enumerate(rows.itertuples()):
        left, right = line[2 * place : 2 * place + 2]
        for axes, image in ((left, before[place]), (right, after[place])):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)
        left.set_xlabel(f"{row.label:g}" if row.start == "image" else short_probability(row.start_p_target))
        missed = {} if row.success else {"color": VERMILION, "style": "italic"}
        right.set_xlabel(f"{row.predicted} ({short_probability(row.p_target)})", **missed)


def short_probability(p: float) -> str:
    """p to two decimals; what only rounding makes 0 or 1 is printed as an inequality."""
    if p == 0 or p == 1:
        return f"{p:g}"
    return "<.01" if p < 0.005 else ">.99" if p >= 0.995 else f"{p:.2f}"[1:]


def share_text(share: float) -> str:
    """A share in per cent; what is not exactly 0 or 100 % does not look like it."""
    if np.isnan(share):
        return ""
    text = f"{100 * share:.0f}"
    return f"{100 * share:.1f}" if text in ("0", "100") and share not in (0, 1) else text


@styled
def transfer(table: pd.DataFrame, by_chance: pd.Series, title: str) -> Figure:
    """A heat map: rows are the classifiers that the images fool, columns those that judge them.

    `table`: what `transfer_table.transfer` returns, `by_chance`: its `chance`. Every cell shows the share that the
    judge gets wrong in per cent, and in small type the chance level of the same images.
    """
    require(table, ["source", "judge", "n", "images", "fooled", "chance"], "the table transfer")
    sources, judges = (list(dict.fromkeys(table[role])) for role in ("source", "judge"))
    shares, chances = (
        table.pivot(index="source", columns="judge", values=name).loc[sources, judges].to_numpy()
        for name in ("fooled", "chance")
    )
    side = 0.5
    size = (max(WIDTH, 2.6 + 0.7 * len(judges)), 1.95 + side * (len(sources) + 1))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(2, 1, sharex=True, height_ratios=[len(sources), 1])
    counts = table.drop_duplicates("source")
    names = [f"{row.source}\n{row.n} of {row.images} images" for row in counts.itertuples()]
    _heat(panels[0], shares, chances, names)
    _heat(panels[1], by_chance[judges].to_numpy()[None], None, ["random signs"])
    panels[0].tick_params(bottom=False)
    panels[0].set_ylabel("made to fool")
    panels[1].set_xlabel("judged by")
    panels[1].set_xticks(range(len(judges)), [judge.replace(", ", "\n") for judge in judges])
    bar = figure.colorbar(panels[0].images[0], ax=panels, label="judged wrongly, %", pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    figure.suptitle(title)
    figure.supxlabel("in small type: the same images under random signs of the same size", fontsize=8, color=GREY)
    return figure


def _heat(axes: Axes, shares: np.ndarray, chances: np.ndarray | None, names: list[str]) -> None:
    axes.imshow(100 * shares, cmap=HEAT, vmin=0, vmax=100, aspect="auto")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    for edge in np.arange(shares.shape[1] - 1) + 0.5:
        axes.axvline(edge, color="white", linewidth=2)
    for edge in np.arange(shares.shape[0] - 1) + 0.5:
        axes.axhline(edge, color="white", linewidth=2)
    for row, column in np.ndindex(shares.shape):
        color = "white" if shares[row, column] > 0.75 else BLACK
        up = 0 if chances is None else 0.12
        axes.text(column, row - up, share_text(shares[row, column]), ha="center", va="center", color=color, fontsize=10)
        if chances is not None:
            text = share_text(chances[row, column])
            axes.text(column, row + 0.27, text, ha="center", va="center", color=color, fontsize=7)
