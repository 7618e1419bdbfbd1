"""Figures that show images in rows of one label each."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.figures.style import BLACK, GREY, VERMILION, WIDTH, bare, probability_text, styled

SALIENT = LinearSegmentedColormap.from_list("salient", ["#3B2A00", "#E69F00", "#FFF3C4"])


def grey(images: np.ndarray) -> np.ndarray:
    """Images (N, 1, H, W) as (N, H, W); SpuriousError for images of several channels."""
    if images.ndim != 4 or images.shape[1] != 1:
        raise SpuriousError(f"the figure shows grey images (N, 1, H, W), not {images.shape}")
    return images[:, 0]


def lowest(predictions: pd.DataFrame, count: int = 8) -> pd.DataFrame:
    """The `count` rows of every label with the lowest p of the true label, the lowest first.

    `predictions`: `id, label, p_label` of one classifier, seed and split. Raises SpuriousError where a
    label has fewer rows.
    """
    few = predictions["label"].value_counts().loc[lambda sizes: sizes < count]
    if len(few):
        raise SpuriousError(f"label {few.index[0]} has {few.iloc[0]} predictions, {count} are needed")
    return predictions.sort_values(["label", "p_label", "id"]).groupby("label").head(count)


@styled
def found(
    images: np.ndarray, p: np.ndarray, title: str, *, labels: list[int] | None = None, found_above: float = 0.999
) -> Figure:
    """What a search found: a row of images per label, p of the label under each.

    `images` (labels, n, H, W) with pixels in [0, 1], `p` (labels, n), `labels` the rows' names (0, 1, ...).
    A p that does not exceed `found_above` is printed in another colour and in italics.
    """
    _check(images, p=p)
    note = f"p of the row's label under every image; in italics: not above {found_above:g}"
    figure, grid = _grid(images.shape[:2], labels, title, note)
    for axes, image, value in _cells(grid, images, p):
        _show(axes, image)
        missed = {} if value > found_above else {"color": VERMILION, "style": "italic"}
        axes.set_xlabel(probability_text(value), **missed)
    return figure


@styled
def worst(
    images: np.ndarray, p: np.ndarray, predicted: np.ndarray, title: str, *, labels: list[int] | None = None
) -> Figure:
    """The training images that a classifier does worst on: p of the true label and the predicted class.

    `images` (labels, n, H, W) with pixels in [0, 1], `p` and `predicted` (labels, n), `labels` the rows' names.
    """
    _check(images, p=p, predicted=predicted)
    names = labels or list(range(len(images)))
    note = "p of the row's label \N{RIGHTWARDS ARROW} the predicted class; in italics: predicted wrongly"
    figure, grid = _grid(images.shape[:2], labels, title, note)
    label_of_cell = np.repeat(np.array(names)[:, None], images.shape[1], axis=1)
    for axes, image, value, guess, label in _cells(grid, images, p, predicted, label_of_cell):
        _show(axes, image)
        wrong = {} if guess == label else {"color": VERMILION, "style": "italic"}
        axes.set_xlabel(f"{probability_text(value)} \N{RIGHTWARDS ARROW} {guess}", **wrong)
    return figure


@styled
def overview(found: np.ndarray, p_found: np.ndarray, worst: np.ndarray, p_worst: np.ndarray, title: str) -> Figure:
    """One found image and one training image per label, each with p of that label.

    `found` and `worst` (labels, H, W) with pixels in [0, 1], `p_found` and `p_worst` (labels,).
    """
    images, p = np.stack([found, worst]), np.stack([p_found, p_worst])
    _check(images, p=p)
    note = "p of the column's label under every image"
    figure, grid = _grid(images.shape[:2], ["searched", "real"], title, note, names_size=9)
    for label, axes in enumerate(grid[0]):
        axes.set_title(str(label), fontsize=10)
    for axes, image, value in _cells(grid, images, p):
        _show(axes, image)
        axes.set_xlabel(probability_text(value))
    return figure


@styled
def salient(images: np.ndarray, kept: np.ndarray, title: str, *, labels: list[int] | None = None) -> Figure:
    """Images and, to the right of each, the pixels that raise p of its label most.

    `images` and `kept` (labels, n, H, W): pixels in [0, 1], and the largest positive input gradients with
    zeros elsewhere. The gradients are drawn over the dimmed image, each picture on its own scale, because
    their size differs by orders of magnitude between images.
    """
    _check(images)
    if kept.shape != images.shape:
        raise SpuriousError(f"the gradients are {kept.shape}, the images {images.shape}: they must be alike")
    note = "the brighter a pixel, the larger its gradient, every picture on its own scale"
    figure, grid = _grid((len(images), 2 * images.shape[1]), labels, title, note, text=0.0)
    for left, right, image, gradient in _cells(grid[:, 0::2], grid[:, 1::2], images, kept):
        _show(left, image)
        _show(right, 0.35 * image)
        right.imshow(np.ma.masked_equal(gradient, 0), cmap=SALIENT, vmin=0, interpolation="nearest")
    for axes, column in zip(grid[0], ["image", "gradient"] * images.shape[1], strict=True):
        axes.set_title(column, fontsize=8)
    return figure


def _check(images: np.ndarray, **values: np.ndarray) -> None:
    if images.ndim != 4:
        raise SpuriousError(f"images must be (labels, n, H, W), not {images.shape}")
    for name, value in values.items():
        if value.shape != images.shape[:2]:
            raise SpuriousError(f"{name} is {value.shape}, but the images are {images.shape[:2]} (labels, n)")


def _grid(
    shape: tuple[int, int], labels: list | None, title: str, note: str, *, text: float = 0.19, names_size: float = 12
) -> tuple[Figure, np.ndarray]:
    """Axes (rows, columns) without frames, the rows' labels at the left and `text` inches under each."""
    rows, columns = shape
    side = WIDTH / (columns + 0.5)
    height = rows * (side + text) + 0.8
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    margin, heading = 0.06 / height, 0.28 / height
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.015, hspace=0.0, rect=(0, margin, 1, 1 - margin - heading))
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        bare(axes)
        axes.xaxis.label.set(size=7.5, color=BLACK)
        axes.xaxis.labelpad = 2
    for axes, label in zip(grid[:, 0], labels or range(rows), strict=True):
        axes.set_ylabel(str(label), rotation=0, ha="right", va="center", fontsize=names_size, labelpad=8)
    figure.suptitle(title, y=1 - margin)
    figure.supxlabel(note, fontsize=8, color=GREY)
    return figure, grid


def _cells(grid: np.ndarray, *values: np.ndarray) -> Iterator[tuple]:
    """Axes with their values, cell by cell; every value is (rows, columns, ...)."""
    for row, column in np.ndindex(grid.shape):
        yield grid[row, column], *(value[row, column] for value in values)


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)
