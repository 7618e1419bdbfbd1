"""Figures of the templates of linear classifiers, and of images with a fraction of one added."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.figures.page import fitted_lines
from spurious.figures.pictures import in_colour
from spurious.figures.style import GREY, VERMILION, WIDTH, bare, probability_text, styled

TEXT = 7.0  # points, of what stands under and over the pictures
LINE = 0.118  # inches from one line of it to the next
LEFT, TOP, BOTTOM, GAP = 0.78, 0.34, 0.38, 0.06  # inches beside, above, below and between the pictures
TALLEST = 1.25  # inches, of one picture
ARROW = "\N{RIGHTWARDS ARROW}"


@dataclass(frozen=True, kw_only=True)
class Start:
    """A picture (C, H, W) in [0, 1] and what a classifier makes of it."""

    picture: np.ndarray
    decision: str
    p: float


@dataclass(frozen=True, kw_only=True)
class Fooled:
    """A picture (C, H, W) after a fraction of a template was added, and how much that changed.

    `p_before` and `p_after` are those of the target, `l2` and `linf` the sizes of the change. `sure` tells whether p
    could be raised as far as it should be.
    """

    picture: np.ndarray
    p_before: float
    p_after: float
    fraction: float
    l2: float
    linf: float
    sure: bool


def as_picture(weights: np.ndarray) -> np.ndarray:
    """Numbers of any sign (C, H, W) as (H, W, 3) in [0, 1]: zero is middle grey, the largest by size black or white."""
    largest = np.abs(weights[:3]).max()  # of what is shown: see `pictures`
    return in_colour(0.5 + weights / (2 * largest or 1.0))


@styled
def templates(weights: np.ndarray, rows: Sequence[str], names: Sequence[str], title: str) -> Figure:
    """The templates of some classes: `weights` (rows, classes, C, H, W), a row per weight decay, named as `rows`."""
    if weights.ndim != 5 or weights.shape[:2] != (len(rows), len(names)):
        raise SpuriousError(f"{weights.shape} are not the templates of {len(rows)} rows and {len(names)} classes")
    page = _Page(len(rows), len(names), title, "every template on its own scale; grey is a weight of 0", under=0)
    page.head(names)
    for row, name in enumerate(rows):
        page.name(row, name)
        for column in range(len(names)):
            _show(page.axes(row, column), as_picture(weights[row, column]))
    return page.figure


@styled
def template_images(
    starts: Sequence[Start],
    fooled: Sequence[Sequence[Fooled | None]],
    rows: Sequence[str],
    names: Sequence[str],
    title: str,
) -> Figure:
    """A start and what the templates of some targets make of it, with the changes below: two lines per weight decay.

    `starts` one per weight decay, `fooled` (rows, targets), None where no fraction makes the target the decision,
    `rows` the names of the weight decays, `names` those of the targets. Every change is magnified to its own scale.
    """
    if not len(starts) == len(fooled) == len(rows) or any(len(row) != len(names) for row in fooled):
        raise SpuriousError(f"{len(starts)} starts need as many rows of {len(names)} fooled images, and their names")
    note = (
        "p of the column's class; f: fraction of its template; in italics: decided, but p stays low\n"
        "below: the change, magnified until its largest value (max) is white or black"
    )
    page = _Page(2 * len(rows), 1 + len(names), title, note, under=2)
    page.head(["start", *names])
    for row, (start, line) in enumerate(zip(starts, fooled, strict=True)):
        page.name(2 * row, rows[row])
        _show(page.axes(2 * row, 0), in_colour(start.picture))
        page.under(2 * row, 0, [start.decision, f"p {probability_text(start.p)}"])
        for column, one in enumerate(line, 1):
            _draw_fooled(page, 2 * row, column, start, one)
    return page.figure


def _draw_fooled(page: "_Page", row: int, column: int, start: Start, fooled: Fooled | None) -> None:
    weak = {"color": VERMILION, "style": "italic"}
    if fooled is None:
        page.under(row, column, ["no fraction is enough:", "pixels end at 0 and 1"], **weak)
        return
    _show(page.axes(row, column), in_colour(fooled.picture))
    p = f"p {probability_text(fooled.p_before)} {ARROW} {probability_text(fooled.p_after)}"
    page.under(row, column, [p, f"f = {fooled.fraction:.3g}"], **({} if fooled.sure else weak))
    _show(page.axes(row + 1, column), as_picture(fooled.picture - start.picture))
    page.under(row + 1, column, [f"L2 {fooled.l2:.3g}, max {fooled.linf:.3g}"])


class _Page:
    """Pictures in rows and columns at fixed places, with room for two lines over and `under` lines under them."""

    def __init__(self, rows: int, columns: int, title: str, note: str, *, under: int):
        self.side = min(TALLEST, (WIDTH - LEFT - 0.1) / columns - GAP)
        # text is wider than a small picture: its column is what the page allows
        self.pitch = (WIDTH - LEFT - 0.1) / columns if under else self.side + GAP
        self.step = self.side + GAP + under * LINE
        self.top = TOP + 2 * LINE
        self.height = self.top + rows * self.step + BOTTOM
        self.figure = Figure(figsize=(WIDTH, self.height))
        self.figure.suptitle(title, y=1 - 0.12 / self.height, va="top", parse_math=False)
        self.figure.text(0.5, 0.1 / self.height, note, ha="center", fontsize=8, color=GREY)

    def axes(self, row: int, column: int) -> Axes:
        left, top = self._corner(row, column)
        place = (left / WIDTH, 1 - (top + self.side) / self.height, self.side / WIDTH, self.side / self.height)
        return self.figure.add_axes(place)

    def head(self, names: Sequence[str]) -> None:
        """The columns' names over the first row."""
        for column, name in enumerate(names):
            lines = fitted_lines(name, self.pitch - 0.02, size=TEXT + 1)
            self._write(column, self.top - 0.05 - LINE * len(lines), lines, fontsize=TEXT + 1)

    def name(self, row: int, name: str) -> None:
        """A row's name at the left."""
        middle = self._corner(row, 0)[1] + self.side / 2
        self.figure.text(0.05 / WIDTH, 1 - middle / self.height, name, va="center", fontsize=8, linespacing=1.3)

    def under(self, row: int, column: int, lines: Sequence[str], **look: str) -> None:
        """Lines of text under a picture, the rest of a long one left out."""
        shown = [part for line in lines for part in fitted_lines(line, self.pitch - 0.04, 1, size=TEXT)]
        self._write(column, self._corner(row, column)[1] + self.side + 0.03, shown, fontsize=TEXT, **look)

    def _write(self, column: int, top: float, lines: Sequence[str], **look: object) -> None:
        middle = self._corner(0, column)[0] + self.side / 2
        for line in lines:
            self.figure.text(
                middle / WIDTH, 1 - top / self.height, line, ha="center", va="top", parse_math=False, **look
            )
            top += LINE

    def _corner(self, row: int, column: int) -> tuple[float, float]:
        return LEFT + column * self.pitch + (self.pitch - self.side) / 2, self.top + row * self.step


def _show(axes: Axes, picture: np.ndarray) -> None:
    bare(axes)
    axes.imshow(picture, interpolation="none")  # else an SVG would hold it magnified
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)
