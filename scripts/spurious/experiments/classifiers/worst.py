"""The figure of the training images that a classifier does worst on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.figures.labels import class_name, name_of, per_label, row_names, smallest_label
from spurious.figures.page import LINE, fitted_lines
from spurious.figures.pictures import pictures
from spurious.figures.style import VERMILION, probability_text, styled
from spurious.figures.tiles import TEXT, cells, check_tiles, show_tile, tile_grid
from spurious.frames import Arrays, lowest

COUNT = 8  # images of a label
PREDICTED = 0.55  # inches of a predicted class's name


@styled
def worst(
    images: np.ndarray,
    p: np.ndarray,
    predicted: np.ndarray,
    title: str,
    *,
    labels: Sequence[int] | None = None,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """The training images that a classifier does worst on: p of the true label, and a wrong class.

    `images` (labels, n, H, W) or (labels, n, H, W, 3) with pixels in [0, 1], `p` and `predicted` (labels, n), `labels`
    those of the rows. With `class_names` the predicted class has a line of its own.
    """
    check_tiles(images, p=p, predicted=predicted)
    labels = labels or list(range(len(images)))
    names = row_names(labels, class_names)
    note = "p of the row's label; in italics: predicted wrongly \N{RIGHTWARDS ARROW} the predicted class"
    text = TEXT if class_names is None else TEXT + LINE
    figure, grid = tile_grid(images.shape[:2], names, title, note, text=text)
    label_of_cell = np.repeat(np.array(labels)[:, None], images.shape[1], axis=1)
    for axes, image, value, guess, label in cells(grid, images, p, predicted, label_of_cell):
        show_tile(axes, image)
        if guess == label:
            axes.set_xlabel(probability_text(value))
        else:
            axes.set_xlabel(_under(value, guess, class_names), color=VERMILION, style="italic", parse_math=False)
    return figure


def _under(p: float, predicted: int, class_names: Sequence[str] | None) -> str:
    """p and the predicted class."""
    name = class_name(predicted, class_names)
    if class_names is None:
        return f"{probability_text(p)} \N{RIGHTWARDS ARROW} {name}"
    line = "".join(fitted_lines(name, PREDICTED, 1))
    return f"{probability_text(p)}\n\N{RIGHTWARDS ARROW} {line}"


def figure(data: Arrays, predictions: pd.DataFrame, class_names: Sequence[str] | None = None) -> Figure:
    """The training images with the lowest p of their own label: `train_images`, and rows of one classifier and seed."""
    rows = predictions[predictions["split"] == "train"]
    rows = lowest(rows, min(COUNT, smallest_label(rows)))
    pixels, labels = per_label(data["train_images"], rows)
    shape = (len(labels), -1)
    p, predicted = rows["p_label"].to_numpy().reshape(shape), rows["predicted"].to_numpy().reshape(shape)
    title = f"training images with the lowest p of their label: {name_of(rows)}"
    return worst(pictures(pixels), p, predicted, title, labels=labels, class_names=class_names)
