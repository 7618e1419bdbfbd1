"""Figures of the templates of linear classifiers, and of images with a multiple of one added."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.figures.page import LINE, NOTE, TITLE, WRONG, fitted_lines, page, picture_at, write
from spurious.figures.pictures import in_colour
from spurious.figures.style import WIDTH, probability_text, styled

TEXT = 7.0  # points, of the words under the pictures
LEFT, TOP, GAP = 0.83, TITLE + 2 * LINE, 0.08  # inches beside, above and between the pictures
TALLEST = 1.25  # inches, of one picture
ARROW, TIMES = "\N{RIGHTWARDS ARROW}", "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, kw_only=True)
class Start:
    """A picture (C, H, W) in [0, 1] and what a classifier makes of it."""

    picture: np.ndarray
    decision: str
    p: float


@dataclass(frozen=True, kw_only=True)
class Fooled:
    """A picture (C, H, W) after a multiple of a template was added, and how much that changed.

    `fraction` is that multiple, 0 where the picture needed none. `p_before` and `p_after` are those of the target, `l2`
    and `linf` the sizes of the change. `sure` tells whether p could be raised as far as it should be.
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
    note = "every template on its own scale; grey is a weight of 0"
    grid = Grid.of(len(rows), names, title, note, under=0)
    for row, name in enumerate(rows):
        grid.name(row, name)
        for column in range(len(names)):
            grid.picture(row, column, as_picture(weights[row, column]))
    return grid.figure


@styled
def template_images(
    starts: Sequence[Start],
    fooled: Sequence[Sequence[Fooled | None]],
    rows: Sequence[str],
    names: Sequence[str],
    title: str,
) -> Figure:
    """A start and what the templates of some targets make of it, with the changes below: two lines per weight decay.

    `starts` one per weight decay, `fooled` (rows, targets), None where no multiple makes the target the decision,
    `rows` the names of the weight decays, `names` those of the targets. Every change is magnified to its own scale.
    """
    if not len(starts) == len(fooled) == len(rows) or any(len(row) != len(names) for row in fooled):
        raise SpuriousError(f"{len(starts)} starts need as many rows of {len(names)} fooled images, and their names")
    note = (
        "p of the column's class before and after; in italics: decided, but p stays low\n"
        "below: the change, magnified until its largest value (max) is white or black"
    )
    grid = Grid.of(2 * len(rows), ["start", *names], title, note, under=2)
    for row, (start, line) in enumerate(zip(starts, fooled, strict=True)):
        grid.name(2 * row, rows[row])
        grid.picture(2 * row, 0, in_colour(start.picture))
        grid.under(2 * row, 0, [start.decision, f"p {probability_text(start.p)}"])
        for column, one in enumerate(line, 1):
            _draw_fooled(grid, 2 * row, column, start, one)
    return grid.figure


def _draw_fooled(grid: "Grid", row: int, column: int, start: Start, fooled: Fooled | None) -> None:
    if fooled is None:
        grid.under(row, column, ["no multiple is enough:", "pixels end at 0 and 1"], **WRONG)
        return
    grid.picture(row, column, in_colour(fooled.picture))
    p = f"p {probability_text(fooled.p_before)} {ARROW} {probability_text(fooled.p_after)}"
    added = f"{three_digits(fooled.fraction)} {TIMES} template" if fooled.fraction else "nothing had to be added"
    grid.under(row, column, [p, added], **({} if fooled.sure else WRONG))
    if not fooled.fraction:
        return
    grid.picture(row + 1, column, as_picture(fooled.picture - start.picture))
    grid.under(row + 1, column, [f"L2 {three_digits(fooled.l2)}", f"max {three_digits(fooled.linf)}"])


def three_digits(number: float) -> str:
    """A number that is not negative to three digits, zeros at the end included."""
    rounded = float(f"{number:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:#.3g}"


@dataclass(frozen=True)
class Grid:
    """Pictures of `side` inches on a page, so many inches from one to the next across and down."""

    figure: Figure
    side: float
    across: float
    down: float

    @classmethod
    def of(cls, rows: int, names: Sequence[str], title: str, note: str, *, under: int) -> "Grid":
        """A page with a name in at most two lines over every column, and room for `under` lines under every picture."""
        room = (WIDTH - LEFT - 0.1) / len(names)
        side = min(TALLEST, room - GAP)
        down = side + GAP + under * LINE
        figure = page(TOP + rows * down + NOTE + LINE * note.count("\n"), title, note)
        # text is wider than a small picture: its column is what the page allows
        grid = cls(figure, side, room if under else side + GAP, down)
        for column, name in enumerate(names):
            lines = fitted_lines(name, grid.across - 0.04)
            left, top = grid._corner(0, column)
            write(figure, left, top - 0.04 - LINE * len(lines), lines)
        return grid

    def name(self, row: int, name: str) -> None:
        """A row's name at the left."""
        write(self.figure, 0.05, self._corner(row, 0)[1], name.splitlines())

    def picture(self, row: int, column: int, picture: np.ndarray) -> None:
        """A picture (H, W, 3) in its place."""
        picture_at(self.figure, *self._corner(row, column), self.side, picture)

    def under(self, row: int, column: int, lines: Sequence[str], **look: object) -> None:
        """Lines of text under a picture, the rest of a long one left out."""
        shown = [part for line in lines for part in fitted_lines(line, self.across - 0.04, 1, size=TEXT)]
        left, top = self._corner(row, column)
        write(self.figure, left, top + self.side + 0.03, shown, fontsize=TEXT, **look)

    def _corner(self, row: int, column: int) -> tuple[float, float]:
        return LEFT + column * self.across, TOP + row * self.down
