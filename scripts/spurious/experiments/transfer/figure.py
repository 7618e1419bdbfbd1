"""The figure of what images made to fool one classifier do to others."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spurious.experiments.transfer.table import chance
from spurious.experiments.transfer.table import transfer as table_of
from spurious.figures.heat import heat
from spurious.figures.style import GREY, WIDTH, styled
from spurious.frames import require
from spurious.wording import plural


def share_text(share: float) -> str:
    """A share in per cent; what is not exactly 0 or 100 % does not look like it."""
    if np.isnan(share):
        return ""
    text = f"{100 * share:.0f}"
    return f"{100 * share:.1f}" if text in ("0", "100") and share not in (0, 1) else text


TEXTS = np.vectorize(share_text, otypes=[object])


@styled
def transfer(table: pd.DataFrame, by_chance: pd.Series, title: str) -> Figure:
    """A heat map: rows are the classifiers that the images fool, columns those that judge them.

    `table`: what `transfer_table.transfer` returns, `by_chance`: its `chance`. Every cell shows the share that the
    judge gets wrong in per cent, and in small type the chance level of the same images. The bottom row is of all images
    that are tried, whether they fool their source or not.
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
    names = [f"{row.source}\n{row.n} of {row.images} image{'s' * (row.images != 1)}" for row in counts.itertuples()]
    heat(panels[0], shares, TEXTS(shares), names, TEXTS(chances))
    for row, column in np.argwhere(np.array(sources)[:, None] == np.array(judges)):  # fooled by construction
        own = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", edgecolor="white", linewidth=0, alpha=0.5
        )
        panels[0].add_patch(own)
    together = by_chance[judges].to_numpy()[None]
    tried = plural(table["images"].max(), "image")
    heat(panels[1], together, TEXTS(together), [f"random signs\nall {tried}"])
    panels[0].tick_params(bottom=False)
    panels[0].set_ylabel("made to fool")
    panels[1].set_xlabel("judged by")
    panels[1].set_xticks(range(len(judges)), [judge.replace(", ", "\n") for judge in judges])
    bar = figure.colorbar(panels[0].images[0], ax=panels, label="judged wrongly, %", pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    figure.suptitle(title)
    figure.supxlabel(
        "in small type: the same images under random signs of the same size; hatched: fooled by construction",
        fontsize=8,
        color=GREY,
    )
    return figure


def figure(rows: pd.DataFrame) -> Figure:
    """What images that fool one classifier do to the others, from the rows of all."""
    title = "images made to fool one classifier, judged by every other"
    return transfer(table_of(rows), chance(rows), title)
