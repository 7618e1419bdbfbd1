"""The figure of what a search found."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.experiments.backworking.stored import of_search
from spurious.figures.labels import row_names
from spurious.figures.style import VERMILION, probability_text, styled
from spurious.figures.tiles import cells, check_tiles, show_tile, tile_grid
from spurious.frames import Arrays


@styled
def found(
    images: np.ndarray, p: np.ndarray, title: str, *, labels: Sequence[object] | None = None, found_above: float = 0.999
) -> Figure:
    """What a search found: a row of images per label, p of the label under each.

    `images` (labels, n, H, W) or (labels, n, H, W, 3), shown clipped to [0, 1], which a note says where it matters.
    `p` (labels, n), `labels` the rows' names (0, 1, ...). A p that does not exceed `found_above` is printed in another
    colour and in italics.
    """
    check_tiles(images, p=p)
    note = f"p of the row's label under every image; in italics: not above {found_above:g}"
    if images.min() < 0 or images.max() > 1:
        note += "; shown clipped to [0, 1], p is that of the image as found"
    figure, grid = tile_grid(images.shape[:2], labels, title, note)
    for axes, image, value in cells(grid, images, p):
        show_tile(axes, image)
        missed = {} if value > found_above else {"color": VERMILION, "style": "italic"}
        axes.set_xlabel(probability_text(value), **missed)
    return figure


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
    return found(
        pixels, p, f"{count}: {classifier}, search {search}, seed {seed}", labels=names, found_above=found_above
    )
