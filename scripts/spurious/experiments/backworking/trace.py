"""The figure of p, and of what is found, during a search."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spurious.figures.legends import legend_below
from spurious.figures.style import BLUE, GREY, VERMILION, WIDTH, styled
from spurious.frames import numbered, require_rows

LEAST, MOST = 3e-4, 1 - 1e-4  # what is beyond is drawn there
P_TICKS = (LEAST, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, MOST)
ENDS = {LEAST: f"\N{LESS-THAN OR EQUAL TO}{LEAST:g}", MOST: f"\N{GREATER-THAN OR EQUAL TO}{MOST:g}"}


@styled
def trace(rows: pd.DataFrame, title: str, *, found_above: float = 0.999) -> Figure:
    """p of the label during each search: every image, their median and the band of 10 to 90 %. Below, the share found.

    `rows`: `seed, label, search, step, image, p`. Found is what has p above `found_above` at a step. The axis of p is
    logistic, so that .001 and .999 are as far from .5 as each other; p beyond its ends is drawn at them. An image whose
    search has ended keeps its last p: else the median would be that of the slowest searches.
    """
    require_rows(rows, ["seed", "label", "search", "step", "image", "p"])
    searches = list(dict.fromkeys(rows["search"]))
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    ratios = {"height_ratios": (3, 2)}
    panels, shares = figure.subplots(2, len(searches), sharex=True, sharey="row", squeeze=False, gridspec_kw=ratios)
    for axes, share, search in zip(panels, shares, searches, strict=True):
        paths = _paths(rows[rows["search"] == search])
        _draw_trace(axes, paths)
        axes.axhline(found_above, color=VERMILION, linestyle="--", linewidth=1, label=f"p = {found_above:g}")
        axes.set(title=search)
        _draw_found(share, paths > found_above)
        share.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        share.set(xlabel="step")
    _probability_axis(panels[0])
    shares[0].set(ylim=(-0.03, 1.03), ylabel=f"share above {found_above:g}")
    figure.suptitle(title)
    handles, texts = panels[0].get_legend_handles_labels()
    keys = legend_below(figure, handles, texts, across=4).legend_handles
    keys[0].set(alpha=1, linewidth=0.8)  # as faint as one image is drawn, its key could not be seen
    return figure


def _paths(rows: pd.DataFrame) -> pd.DataFrame:
    """p of every image (columns) at every step (rows), the last one kept to the end."""
    return rows.pivot(index="step", columns=["seed", "label", "image"], values="p").sort_index().ffill()


def _draw_trace(axes: Axes, paths: pd.DataFrame) -> None:
    lines = axes.plot(paths.index, paths.clip(LEAST, MOST), color=GREY, linewidth=0.4, alpha=0.18)
    for line in lines:  # hundreds of paths would make the SVG megabytes large
        line.set_rasterized(True)
    lines[0].set_label("one image")
    low, middle, high = (paths.quantile(q, axis=1).clip(LEAST, MOST) for q in (0.1, 0.5, 0.9))
    axes.fill_between(paths.index, low, high, color=BLUE, alpha=0.25, linewidth=0, label="10 to 90 %")
    axes.plot(paths.index, middle, color=BLUE, linewidth=2, label="median; ended searches keep their p")


def _draw_found(axes: Axes, found: pd.DataFrame) -> None:
    """The share of the images that are found at every step, of all and of each seed (thin)."""
    for _, own in found.T.groupby(level="seed"):
        axes.plot(found.index, own.mean(), color=VERMILION, linewidth=0.6, alpha=0.6)
    axes.plot(found.index, found.mean(axis=1), color=VERMILION, linewidth=2)


def _probability_axis(axes: Axes) -> None:
    axes.set_yscale("logit")
    axes.set(ylim=(2.5e-4, 1 - 8e-5), ylabel="p of the label")
    axes.yaxis.set_major_locator(FixedLocator(P_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda p, _: ENDS.get(p, f"{p:g}")))
    axes.yaxis.set_minor_locator(NullLocator())


def figure(traces: pd.DataFrame, classifier: str, found_above: float) -> Figure:
    """p during the searches of one classifier."""
    rows = numbered(traces, "traces")
    images = rows.drop_duplicates(["search", "seed", "label", "image"]).groupby("search").size()
    title = f"p of the label during each search, n = {images.max():,} images: {classifier}"
    return trace(rows, title, found_above=found_above)
