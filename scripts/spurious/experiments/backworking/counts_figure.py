"""The figure of how many images every search finds, label by label and over all of them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.figures.heat import heat
from spurious.figures.labels import row_names
from spurious.figures.style import BLACK, BLUE, GREY, WIDTH, styled
from spurious.frames import published_first, require, require_rows

CELL, FRAME, SHARES = 0.26, 1.6, 1.5  # inches: of a row, around the panels, of the shares
COUNTED = ["classifier", "search", "seed", "label", "images", "found"]
SUMMED = ["classifier", "search", "share", "low", "high", "seeds"]


@styled
def figure(
    table: pd.DataFrame,
    summary: pd.DataFrame,
    classifier: str,
    found_above: float,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Above, how many images each search (columns) finds for each label (rows), all seeds; below, the shares of all.

    `table`, `summary`: the tables `backworking` and `backworking-summary`. The shares have their 95 % interval and a
    dot per seed.
    """
    require(table, COUNTED, "the table backworking")
    require(summary, SUMMED, "the table backworking-summary")
    table, summary = table[table["classifier"] == classifier], summary[summary["classifier"] == classifier]
    require_rows(table, COUNTED)
    summary = published_first(summary, "search")
    searches, labels = summary["search"].tolist(), sorted(table["label"].unique())
    drawn = Figure(figsize=(WIDTH, FRAME + CELL * len(labels) + SHARES), layout="constrained")
    ratios = [CELL * len(labels), SHARES]
    counts, shares = drawn.subplots(2, 1, sharex=True, height_ratios=ratios)
    _draw_counts(counts, table, searches, labels, class_names)
    _draw_shares(shares, table, summary)
    shares.set_xticks(range(len(searches)), [name.replace(", ", ",\n") for name in searches], parse_math=False)
    drawn.suptitle(f"images with p above {found_above:g}, by search and label: {classifier}")
    drawn.supxlabel("dots: one seed each; bars: 95 % intervals of seeds and searches", fontsize=8, color=GREY)
    return drawn


def _draw_counts(
    axes: Axes, table: pd.DataFrame, searches: list[str], labels: list[int], class_names: Sequence[str] | None
) -> None:
    """A cell per label and search, dark where all images of all seeds were found."""
    sums = table.groupby(["label", "search"])[["found", "images"]].sum()
    found, images = (
        sums[name].unstack("search").reindex(index=labels, columns=searches).to_numpy() for name in ("found", "images")
    )
    texts = np.where(np.isnan(found), "", np.nan_to_num(found).astype(int))
    heat(axes, found / images, texts, row_names(labels, class_names), size=9)
    axes.tick_params(bottom=False)
    most, seeds = int(images.max()), table["seed"].nunique()
    axes.set_ylabel("label")
    axes.set_title(f"found of {most} images of each label, {seeds} seed{'s' if seeds > 1 else ''}", pad=4)


def _draw_shares(axes: Axes, table: pd.DataFrame, summary: pd.DataFrame) -> None:
    """The share that each search finds, with a dot for every seed."""
    share = summary["share"].to_numpy()
    ends = np.maximum([share - summary["low"], summary["high"] - share], 0)
    places = np.arange(len(share))
    axes.errorbar(places, 100 * share, 100 * ends, color=BLUE, marker="o", linestyle="", elinewidth=1.4)
    sums = table.groupby(["search", "seed"])[["found", "images"]].sum()
    seeds = (sums["found"] / sums["images"]).unstack("seed").reindex(summary["search"])
    for offset, (_, own) in zip(np.linspace(0.1, 0.25, seeds.shape[1]), seeds.items(), strict=True):
        axes.plot(places + offset, 100 * own, ".", color=BLACK, markersize=4, zorder=3)
    axes.set(ylim=(-4, 104), ylabel="found of all, %")
