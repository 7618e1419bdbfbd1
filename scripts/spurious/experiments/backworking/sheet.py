"""The contact sheet: the strongest image of every search and label."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.experiments.backworking.overview import column_names
from spurious.experiments.backworking.stored import of_search
from spurious.figures.page import WRONG
from spurious.figures.style import probability_text, styled
from spurious.figures.tiles import banded_grid, cells, check_tiles, show_tile
from spurious.frames import Arrays, published_first

ACROSS = 10  # labels in a row


@styled
def sheet(
    images: np.ndarray,
    p: np.ndarray,
    names: Sequence[str],
    labels: Sequence[str],
    title: str,
    *,
    found_above: float = 0.999,
) -> Figure:
    """An image per search (rows) and label (columns, at most ACROSS; the others follow below), p under each.

    `images` (searches, labels, H, W) or (..., 3), shown clipped to [0, 1], which a note says where it matters; `p`
    (searches, labels); `names` are those of the rows, `labels` those of the columns. A p that does not exceed
    `found_above` is printed in another colour and in italics.
    """
    check_tiles(images, p=p)
    note = f"p of the column's label under every image; in italics: not above {found_above:g}"
    if images.min() < 0 or images.max() > 1:
        note += "; shown clipped to [0, 1], p is that of the image as found"
    figure, grid = banded_grid(names, labels, ACROSS, title, note)
    for axes, image, value in cells(grid, images, p):
        _cell(axes, image, value, found_above)
    return figure


def _cell(axes: Axes, image: np.ndarray, p: float, found_above: float) -> None:
    show_tile(axes, image)
    axes.set_xlabel(probability_text(p), **({} if p > found_above else WRONG))


def figure(
    images: Sequence[Arrays],
    rows: Sequence[pd.DataFrame],
    classifier: str,
    seed: int,
    found_above: float,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """The image with the largest p of every stored search and label of one seed; a file of each kind per label."""
    searches = _stored(images[0], rows[0], seed)
    best, largest, names = [], [], []
    for search in searches:
        labels, pixels, p = of_search(images, rows, search, seed)
        each = np.arange(len(labels)), p.argmax(1)
        best.append(pixels[each])
        largest.append(p[each])
        names.append(f"{search}\n{(p > found_above).sum()} of {p.size}")
    columns = [str(label) for label in labels]
    if class_names is not None:
        columns = column_names(labels, class_names, min(ACROSS, len(labels)))
    title = f"the strongest image of each search and label, and how many are above {found_above:g}: {classifier}"
    return sheet(np.stack(best), np.stack(largest), names, columns, title, found_above=found_above)


def _stored(images: Arrays, rows: pd.DataFrame, seed: int) -> list[str]:
    """The searches of a seed whose images are stored, the published ones first."""
    kept = published_first(rows[["search"]].drop_duplicates(), "search")["search"]
    there = set(images)  # one that is looked up is read
    searches = [search for search in kept if f"{search}/seed{seed}" in there]
    if not searches:
        raise SpuriousError(f"images[0]: no images of seed {seed}; run backwork_label again")
    return searches
