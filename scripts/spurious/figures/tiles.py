"""Images in rows of one label each."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.figures.style import BLACK, GREY, WIDTH, bare

TEXT = 0.19  # inches of the line under a picture


def check_tiles(images: np.ndarray, **values: np.ndarray) -> None:
    if images.ndim != 4 and (images.ndim != 5 or images.shape[4] != 3):
        raise SpuriousError(f"images must be (labels, n, H, W) or (labels, n, H, W, 3), not {images.shape}")
    for name, value in values.items():
        if value.shape != images.shape[:2]:
            raise SpuriousError(f"{name} is {value.shape}, but the images are {images.shape[:2]} (labels, n)")


def tile_grid(
    shape: tuple[int, int],
    labels: Sequence[object] | None,
    title: str,
    note: str,
    *,
    text: float = TEXT,
    names_size: float = 12,
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
        axes.set_ylabel(
            str(label), rotation=0, ha="right", va="center", fontsize=names_size, labelpad=8, parse_math=False
        )
    figure.suptitle(title, y=1 - margin)
    figure.supxlabel(note, fontsize=8, color=GREY)
    return figure, grid


def banded_grid(
    names: Sequence[str], heads: Sequence[str], across: int, title: str, note: str, **look: float
) -> tuple[Figure, np.ndarray]:
    """A `tile_grid` of rows with `names` and columns with `heads`, at most `across` of them side by side.

    The other columns follow below in bands that name the rows again. Returns the page and the axes (rows, columns).
    """
    bands = [range(first, min(first + across, len(heads))) for first in range(0, len(heads), across)]
    shape = (len(bands) * len(names), len(bands[0]))
    figure, grid = tile_grid(shape, [*names] * len(bands), title, note, **{"names_size": 9, **look})
    placed = np.empty((len(names), len(heads)), object)
    for line, band in enumerate(bands):
        placed[:, band] = grid[line * len(names) : (line + 1) * len(names), : len(band)]
    for axes, head in zip(placed[0], heads, strict=True):
        axes.set_title(head, fontsize=10, parse_math=False)
    return figure, placed


def cells(grid: np.ndarray, *values: np.ndarray) -> Iterator[tuple]:
    """Axes with their values, cell by cell; every value is (rows, columns, ...)."""
    for row, column in np.ndindex(grid.shape):
        yield grid[row, column], *(value[row, column] for value in values)


def show_tile(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)
