"""The figure of photographs that the vote decides and rejects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from spurious.figures.page import LINE, NOTE, RIGHT, TITLE, WRONG, fitted_lines, page, picture_at, write
from spurious.figures.pictures import thumbnail
from spurious.figures.style import GREY, WIDTH, styled

_ACROSS = 3  # cards in a row of the gallery


@dataclass(frozen=True, kw_only=True)
class Card:
    """A picture (H, W, 3), its true name, and for each view the name it got and whether it is right."""

    picture: np.ndarray
    name: str
    votes: Sequence[tuple[str, bool]]


@styled
def gallery(groups: Mapping[str, Sequence[Card]], title: str, note: str, marks: Sequence[str]) -> Figure:
    """Cards in groups under a heading each: a picture, its true name, and what every view of it was taken for.

    `marks` stand before the views' names. Names that are right and wrong differ in colour and slant. A group may be
    empty. With more than three views, pictures are smaller and each name has one line.
    """
    gap, heading_height, left = 0.12, 0.3, 0.08
    side = 1.27 if len(marks) <= 3 else 1.0
    beside = WIDTH / _ACROSS - side - 2 * left
    card_height = max(1.27, (2.3 + 1.15 * len(marks)) * LINE) + gap if len(marks) > 3 else side + gap
    heights = [heading_height + -(-len(cards) // _ACROSS) * card_height for cards in groups.values()]
    figure = page(sum(heights) + TITLE + NOTE, title, note)
    top = TITLE
    for (heading, cards), height in zip(groups.items(), heights, strict=True):
        write(figure, left, top + 0.05, [heading], fontsize=9.5, weight="bold")
        for place, card in enumerate(cards):
            line, column = divmod(place, _ACROSS)
            corner = left + column * WIDTH / _ACROSS, top + heading_height + line * card_height
            picture_at(figure, *corner, side, thumbnail(card.picture, 190))
            _describe(figure, corner[0] + side + 0.07, corner[1], beside, card, marks)
        top += height
    return figure


def _describe(figure: Figure, left: float, top: float, width: float, card: Card, marks: Sequence[str]) -> None:
    """The true name and the votes, from (left, top) downwards."""
    names = fitted_lines(card.name, width, weight="bold")
    top = write(figure, left, top, names, weight="bold") + 0.3 * LINE
    lines = 2 if len(marks) <= 3 else 1
    for mark, (name, right) in zip(marks, card.votes, strict=True):
        write(figure, left, top, [mark], color=GREY)
        look = RIGHT if right else WRONG
        top = write(figure, left + 0.19, top, fitted_lines(name, width - 0.19, lines), **look) + 0.15 * LINE
