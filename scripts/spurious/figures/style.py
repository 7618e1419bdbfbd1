"""One look for every figure, and files that are equal byte by byte when the data are."""

import functools
import io
from collections.abc import Callable
from typing import ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

# Okabe and Ito's colours, which the colour-blind can tell apart.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#6F6F6F"
WIDTH = 7.0  # inches: the text width of a page

SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "figure.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "spurious",  # else the names of the SVG's elements differ every time
}


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Let a figure function draw in the shared style, whatever the user's own settings are."""

    @functools.wraps(draw)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(SETTINGS)
            return draw(*args, **kwargs)

    return wrapper


def render(figure: Figure, kind: str) -> bytes:
    """The figure as a file of `kind` "png" or "svg", without date or program version."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}[kind]
    buffer = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def bare(axes: Axes) -> None:
    """Leave nothing of the axes but what is drawn in them."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def probability_text(p: float, digits: int = 4) -> str:
    """p to so many decimals; what only rounding makes 0 or 1 is printed as an inequality."""
    least = 10.0**-digits
    if p >= 1 - least / 2:
        return f">{1 - least:.{digits}f}"
    return f"<{least:.{digits}f}" if p < least / 2 else f"{p:.{digits}f}"
