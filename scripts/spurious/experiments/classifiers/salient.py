"""The figure of the pixels that raise p of the label most."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import nn

from spurious.errors import SpuriousError
from spurious.experiments.classifiers.saliency import input_gradients, largest_positive
from spurious.figures.labels import name_of, per_label, row_names, smallest_label
from spurious.figures.pictures import pictures
from spurious.figures.style import styled
from spurious.figures.tiles import cells, check_tiles, show_tile, tile_grid
from spurious.frames import Arrays

EXAMPLES, PIXELS = 4, 200  # images of a label, and pixels of each
SALIENT = LinearSegmentedColormap.from_list("salient", ["#3B2A00", "#E69F00", "#FFF3C4"])


@styled
def salient(images: np.ndarray, kept: np.ndarray, title: str, *, labels: Sequence[object] | None = None) -> Figure:
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


def figure(
    data: Arrays, model: nn.Module, predictions: pd.DataFrame, class_names: Sequence[str] | None = None
) -> Figure:
    """The first test images of every label with the pixels that speak for it; rows of one classifier and seed."""
    rows = predictions[predictions["split"] == "test"].sort_values(["label", "id"], kind="stable")
    rows = rows.groupby("label").head(min(EXAMPLES, smallest_label(rows)))
    pixels, labels = per_label(data["test_images"], rows)
    inputs = torch.from_numpy(pixels).flatten(0, 1)
    gradients = input_gradients(model, inputs, torch.tensor(rows["label"].to_numpy(copy=True)))
    # Of a pixel's channels the largest gradient: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks",
    # ICLR workshop (2014), section 3.1.
    of_pixels = gradients.amax(1).flatten(1)
    kept = largest_positive(of_pixels, PIXELS).reshape(*pixels.shape[:2], *pixels.shape[3:]).numpy()
    title = f"the {PIXELS} of {of_pixels.shape[1]} pixels that raise p of the label most: {name_of(rows)}"
    return salient(pictures(pixels), kept, title, labels=row_names(labels, class_names))
