"""The figure of what a search found."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.backworking.stored import of_search, p_clipped
from spurious.figures.labels import row_names
from spurious.figures.page import LINE, WRONG
from spurious.figures.style import probability_text, styled
from spurious.figures.tiles import TEXT, cells, check_tiles, show_tile, tile_grid
from spurious.frames import Arrays


@styled
def found(
    images: np.ndarray,
    p: np.ndarray,
    title: str,
    *,
    labels: Sequence[object] | None = None,
    found_above: float = 0.999,
    clipped: np.ndarray | None = None,
) -> Figure:
    """What a search found: a row of images per label, p of the label under each.

    `images` (labels, n, H, W) or (labels, n, H, W, 3), shown clipped to [0, 1], which a note says where it matters.
    `p` (labels, n), `labels` the rows' names (0, 1, ...). `clipped` (labels, n): p of the images as they are shown, on
    a second line. A p that does not exceed `found_above` is printed in another colour and in italics.
    """
    below = {} if clipped is None else {"clipped": clipped}
    check_tiles(images, p=p, **below)
    shown = "as found and, below, clipped to [0, 1] as shown" if below else "under every image"
    note = f"p of the row's label {shown}; in italics: not above {found_above:g}"
    if not below and (images.min() < 0 or images.max() > 1):
        note += "; shown clipped to [0, 1], p is that of the image as found"
    text = TEXT + LINE if below else TEXT
    figure, grid = tile_grid(images.shape[:2], labels, title, note, text=text)
    for axes, image, value in cells(grid, images, p):
        show_tile(axes, image)
        axes.set_xlabel(probability_text(value), **_look(value, found_above))
    for axes, value in cells(grid, *below.values()) if below else ():
        _write_below(axes, value, found_above)
    return figure


def _look(p: float, found_above: float) -> dict[str, str]:
    return {} if p > found_above else WRONG


def _write_below(axes: Axes, p: float, found_above: float) -> None:
    """p on a second line, which may be in italics where the first is not."""
    first = axes.xaxis.label
    size = first.get_size()
    place = {"xy": (0.5, 0), "xycoords": first, "xytext": (0, -1.5), "textcoords": "offset points"}
    axes.annotate(probability_text(p), ha="center", va="top", fontsize=size, **place, **_look(p, found_above))


def figure(
    images: Sequence[Arrays],
    rows: Sequence[pd.DataFrame],
    classifier: str,
    search: str,
    seed: int,
    found_above: float,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """The stored images of one search and seed with the p of their rows; a file of each kind for every label."""
    labels, pixels, p = of_search(images, rows, search, seed)
    names = row_names(labels, class_names)
    count = f"{(p > found_above).sum()} of {p.size} images above {found_above:g}"
    title = f"{count}: {classifier}, search {search}, seed {seed}"
    clipped = p_clipped(rows, search, seed)
    return found(pixels, p, title, labels=names, found_above=found_above, clipped=clipped)
