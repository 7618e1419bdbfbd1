"""Shares as a heat map with the numbers in its cells."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from spurious.figures.style import BLACK

HEAT = LinearSegmentedColormap.from_list("share", ["#EDF2F6", "#B7D5EA", "#4F94C4", "#0B3C68"])
DARK = 0.75  # from here on, numbers are white


def heat(
    axes: Axes,
    shares: np.ndarray,
    texts: np.ndarray,
    names: Sequence[str],
    small: np.ndarray | None = None,
    *,
    size: float = 10,
) -> None:
    """Cells of shares (rows, columns) in [0, 1] with their `texts`, and `small` ones below.

    The larger a share, the darker its cell; 0 is a pale one, nan none. `names` are those of the rows, `size` the points
    of the texts. White lines part the cells.
    """
    axes.imshow(100 * shares, cmap=HEAT, vmin=0, vmax=100, aspect="auto")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.tick_params(length=0)
    for edge in np.arange(shares.shape[1] - 1) + 0.5:
        axes.axvline(edge, color="white", linewidth=2)
    for edge in np.arange(shares.shape[0] - 1) + 0.5:
        axes.axhline(edge, color="white", linewidth=2)
    for row, column in np.ndindex(shares.shape):
        look = {"ha": "center", "va": "center", "color": "white" if shares[row, column] > DARK else BLACK}
        up = 0 if small is None else 0.12
        axes.text(column, row - up, texts[row, column], fontsize=size, **look)
        if small is not None:
            axes.text(column, row + 0.27, small[row, column], fontsize=7, **look)
