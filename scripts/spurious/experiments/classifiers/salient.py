"""The figure of the pixels that raise p of the label most."""

import copy
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import nn

from spurious.classifiers.models import initialize
from spurious.errors import SpuriousError
from spurious.experiments.classifiers.saliency import input_gradients, largest_positive
from spurious.figures.labels import name_of, per_label, row_names, smallest_label
from spurious.figures.pictures import pictures
from spurious.figures.style import styled
from spurious.figures.tiles import cells, check_tiles, show_tile, tile_grid
from spurious.frames import Arrays
from spurious.seeding import generator

EXAMPLES, PIXELS = 3, 200  # images of a label, and pixels of each
INK = 0.5  # a brighter pixel of a grey image is ink
SALIENT = LinearSegmentedColormap.from_list("salient", ["#3B2A00", "#E69F00", "#FFF3C4"])
SMALL = 0.16  # inches of a line under a picture


@styled
def salient(
    images: np.ndarray, kept: np.ndarray, control: np.ndarray, title: str, *, labels: Sequence[object] | None = None
) -> Figure:
    """Images and, to the right of each, the pixels that raise p of its label most, in the classifier and a control.

    `images` (labels, n, H, W) or (labels, n, H, W, 3) with pixels in [0, 1]; `kept` and `control` (labels, n, H, W),
    the largest positive input gradients with zeros elsewhere. The gradients are drawn over the dimmed image, each
    picture on its own scale, because their size differs by orders of magnitude between images. Under grey images is the
    share of ink, under the others the share of the marked pixels that are on it.
    """
    check_tiles(images)
    if not kept.shape == control.shape == images.shape[:4]:
        both = f"{kept.shape} and {control.shape}"
        raise SpuriousError(f"the gradients are {both}, the images {images.shape}: they must be alike")
    grey = images.ndim == 4
    note = "the brighter a pixel, the larger its gradient, every picture on its own scale"
    if grey:
        note += f"\nbelow: the share of ink (pixels above {INK:g}), and of the marked pixels that are on it"
    columns = ["image", "trained", "random net"]
    shape = (len(images), len(columns) * images.shape[1])
    figure, grid = tile_grid(shape, labels, title, note, text=SMALL if grey else 0.0)
    for *row, image, trained, random in cells(*(grid[:, first::3] for first in range(3)), images, kept, control):
        _draw(row, image, [trained, random], grey)
    for axes, column in zip(grid[0], columns * images.shape[1], strict=True):
        axes.set_title(column, fontsize=8)
    return figure


def _draw(row: Sequence[Axes], image: np.ndarray, gradients: Sequence[np.ndarray], grey: bool) -> None:
    """An image, and the marked pixels of each net."""
    show_tile(row[0], image)
    for axes, gradient in zip(row[1:], gradients, strict=True):
        show_tile(axes, 0.35 * image)
        axes.imshow(np.ma.masked_equal(gradient, 0), cmap=SALIENT, vmin=0, interpolation="nearest")
    for axes, marked in zip(row, [np.ones(image.shape[:2], bool), *(each > 0 for each in gradients)], strict=True):
        if grey and marked.any():
            axes.set_xlabel(f"{100 * (image[marked] > INK).mean():.0f} %", fontsize=7, labelpad=1)


def figure(
    data: Arrays, model: nn.Module, predictions: pd.DataFrame, class_names: Sequence[str] | None = None
) -> Figure:
    """The first test images of every label with the pixels that speak for it; rows of one classifier and seed."""
    rows = predictions[predictions["split"] == "test"].sort_values(["label", "id"], kind="stable")
    rows = rows.groupby("label").head(min(EXAMPLES, smallest_label(rows)))
    pixels, labels = per_label(data["test_images"], rows)
    own = torch.tensor(rows["label"].to_numpy(copy=True))
    kept, control = (marked_pixels(net, pixels, own) for net in (model, untrained(model)))
    count = pixels.shape[3] * pixels.shape[4]
    title = f"the {min(PIXELS, count)} of {count} pixels that raise p of the label most: {name_of(rows)}"
    return salient(pictures(pixels), kept, control, title, labels=row_names(labels, class_names))


def marked_pixels(model: nn.Module, pixels: np.ndarray, labels: torch.Tensor) -> np.ndarray:
    """The largest positive gradients of p of each image's label, zeros elsewhere: (labels, n, H, W).

    `pixels` (labels, n, C, H, W) in [0, 1], `labels` one per image. Of a pixel's channels the largest gradient:
    Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", ICLR workshop (2014), section 3.1.
    """
    gradients = input_gradients(model, torch.from_numpy(pixels).flatten(0, 1), labels)
    kept = largest_positive(gradients.amax(1).flatten(1), PIXELS)
    return kept.reshape(*pixels.shape[:2], *pixels.shape[3:]).numpy()


def untrained(model: nn.Module) -> nn.Module:
    """A net of the same architecture with parameters that nobody trained.

    What it marks as well is owed to the architecture and the image, not to what was learnt: Adebayo et al., "Sanity
    checks for saliency maps", NeurIPS (2018).
    """
    drawn = copy.deepcopy(model).requires_grad_()
    initialize(drawn, "pytorch", generator("salient", "control"))
    return drawn
