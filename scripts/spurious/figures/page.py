"""Pages of pictures with text under them, placed by the inch."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from spurious.figures.style import BLUE, GREY, VERMILION, WIDTH, bare, styled

SIZE = 8  # points, of text under and beside pictures
LINE = 0.135  # inches from one line of text to the next
RIGHT, WRONG = {"color": BLUE}, {"color": VERMILION, "style": "italic"}


def page(height: float, title: str, note: str) -> Figure:
    """A page of so many inches with its title at the top, the middle of a long one left out, and a note below."""
    if len(title) > 88:
        title = f"{title[:40]}\N{HORIZONTAL ELLIPSIS}{title[-47:]}"
    figure = Figure(figsize=(WIDTH, height))
    figure.suptitle(title, y=1 - 0.1 / height, va="top", parse_math=False)
    figure.text(0.5, 0.08 / height, note, ha="center", fontsize=8, color=GREY)
    return figure


@styled
def nothing(title: str, reason: str) -> Figure:
    """A page that says in one sentence why there is no example to show."""
    figure = page(0.76 + 2 * LINE, title, "")
    figure.text(0.5, 0.5, reason, ha="center", va="center", fontsize=9)
    return figure


def picture_at(figure: Figure, left: float, top: float, side: float, picture: np.ndarray) -> None:
    """A picture as a square of `side` inches, its corner so many inches from the page's left and top."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, 1 - (top + side) / height, side / width, side / height))
    bare(axes)
    axes.imshow(picture, interpolation="none")  # else an SVG would hold it magnified
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)


def write(figure: Figure, left: float, top: float, lines: Sequence[str], **look: object) -> float:
    """Lines of text so many inches from the page's left and top, downwards; returns the top of the next line."""
    width, height = figure.get_size_inches()
    for line in lines:
        figure.text(left / width, 1 - top / height, line, va="top", parse_math=False, **{"fontsize": SIZE, **look})
        top += LINE
    return top


def fitted_lines(name: str, inches: float, most: int = 2, *, size: float = SIZE, weight: str = "normal") -> list[str]:
    """A name in at most so many lines of so many inches, the rest of it left out."""
    font = FontProperties(size=size, weight=weight)
    points = 0.97 * 72 * inches  # a PNG rounds the place of every letter to pixels
    for letters in range(len(name), 0, -1):
        lines = _wrapped(name, letters, most)
        if all(text_to_path.get_text_width_height_descent(line, font, False)[0] <= points for line in lines):
            return lines
    return []


def _wrapped(name: str, letters: int, most: int) -> list[str]:
    # a word that has no room ends in an ellipsis: broken in two, it would read as two
    words = (word if len(word) <= letters else f"{word[: letters - 1]}\N{HORIZONTAL ELLIPSIS}" for word in name.split())
    lines = textwrap.wrap(" ".join(words), letters)
    rest = " ".join(lines[most - 1 :])
    if len(rest) > letters:
        rest = f"{rest[: letters - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
    return [line for line in [*lines[: most - 1], rest] if line]


TITLE, NOTE = 0.4, 0.32  # inches of the page above and below what is drawn
