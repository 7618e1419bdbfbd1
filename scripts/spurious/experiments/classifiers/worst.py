"""The figure of the training images that a classifier does worst on."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.figures.labels import name_of, per_label, smallest_label
from spurious.figures.pictures import pictures
from spurious.figures.style import VERMILION, probability_text, styled
from spurious.figures.tiles import cells, check_tiles, show_tile, tile_grid
from spurious.frames import Arrays, lowest

COUNT = 8  # images of a label


@styled
def worst(
    images: np.ndarray, p: np.ndarray, predicted: np.ndarray, title: str, *, labels: list[int] | None = None
) -> Figure:
    """The training images that a classifier does worst on: p of the true label and the predicted class.

    `images` (labels, n, H, W) or (labels, n, H, W, 3) with pixels in [0, 1], `p` and `predicted` (labels, n), `labels`
    the rows' names.
    """
    check_tiles(images, p=p, predicted=predicted)
    names = labels or list(range(len(images)))
    note = "p of the row's label \N{RIGHTWARDS ARROW} the predicted class; in italics: predicted wrongly"
    figure, grid = tile_grid(images.shape[:2], labels, title, note)
    label_of_cell = np.repeat(np.array(names)[:, None], images.shape[1], axis=1)
    for axes, image, value, guess, label in cells(grid, images, p, predicted, label_of_cell):
        show_tile(axes, image)
        wrong = {} if guess == label else {"color": VERMILION, "style": "italic"}
        axes.set_xlabel(f"{probability_text(value)} \N{RIGHTWARDS ARROW} {guess}", **wrong)
    return figure


def figure(data: Arrays, predictions: pd.DataFrame) -> Figure:
    """The training images with the lowest p of their own label: `train_images`, and rows of one classifier and seed."""
    rows = predictions[predictions["split"] == "train"]
    rows = lowest(rows, min(COUNT, smallest_label(rows)))
    pixels, labels = per_label(data["train_images"], rows)
    shape = (len(labels), -1)
    p, predicted = rows["p_label"].to_numpy().reshape(shape), rows["predicted"].to_numpy().reshape(shape)
    title = f"training images with the lowest p of their label: {name_of(rows)}"
    return worst(pictures(pixels), p, predicted, title, labels=labels)
