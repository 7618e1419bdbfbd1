"""The figure of the pixels that raise p of the label most."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.figures.style import styled
from spurious.figures.tiles import cells, check_tiles, show_tile, tile_grid

SALIENT = LinearSegmentedColormap.from_list("salient", ["#3B2A00", "#E69F00", "#FFF3C4"])


@styled
def salient(images: np.ndarray, kept: np.ndarray, title: str, *, labels: list[int] | None = None) -> Figure:
    """Images and, to the right of each, the pixels that raise p of its label most.

    `images` (labels, n, H, W) or (labels, n, H, W, 3) with pixels in [0, 1]; `kept` (labels, n, H, W), the largest
    positive input gradients with zeros elsewhere. The gradients are drawn over the dimmed image, each picture on its
    own scale, because their size differs by orders of magnitude between images.
    """
    check_tiles(images)
    if kept.shape != images.shape[:4]:
        raise SpuriousError(f"the gradients are {kept.shape}, the images {images.shape}: they must be alike")
    note = "the brighter a pixel, the larger its gradient, every picture on its own scale"
    figure, grid = tile_grid((len(images), 2 * images.shape[1]), labels, title, note, text=0.0)
    for left, right, image, gradient in cells(grid[:, 0::2], grid[:, 1::2], images, kept):
        show_tile(left, image)
        show_tile(right, 0.35 * image)
        right.imshow(np.ma.masked_equal(gradient, 0), cmap=SALIENT, vmin=0, interpolation="nearest")
    for axes, column in zip(grid[0], ["image", "gradient"] * images.shape[1], strict=True):
        axes.set_title(column, fontsize=8)
    return figure
