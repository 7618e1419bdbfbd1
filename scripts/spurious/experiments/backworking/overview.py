"""The figure of found images above real ones."""

import numpy as np
from matplotlib.figure import Figure

from spurious.figures.style import probability_text, styled
from spurious.figures.tiles import cells, check_tiles, show_tile, tile_grid


@styled
def overview(found: np.ndarray, p_found: np.ndarray, worst: np.ndarray, p_worst: np.ndarray, title: str) -> Figure:
    """One found image and one training image per label, each with p of that label.

    `found` and `worst` (labels, H, W) or (labels, H, W, 3) with pixels in [0, 1], `p_found` and `p_worst` (labels,).
    """
    images, p = np.stack([found, worst]), np.stack([p_found, p_worst])
    check_tiles(images, p=p)
    note = "p of the column's label under every image"
    figure, grid = tile_grid(images.shape[:2], ["searched", "real"], title, note, names_size=9)
    for label, axes in enumerate(grid[0]):
        axes.set_title(str(label), fontsize=10)
    for axes, image, value in cells(grid, images, p):
        show_tile(axes, image)
        axes.set_xlabel(probability_text(value))
    return figure
