"""Figures of photographs: what the vote mends and what it rejects; one photograph under growing noise."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from spurious.errors import SpuriousError
from spurious.examples import VIEWS, decision
from spurious.figures.style import BLUE, GREY, VERMILION, WIDTH, bare, probability_text, styled

_ACROSS = 3  # cards in a row of the gallery
_SIZE = 8  # points, of text under and beside pictures
_LINE = 0.135  # inches from one line of text to the next
_TITLE, _NOTE = 0.4, 0.32  # inches of the page above and below what is drawn
_RIGHT, _WRONG = {"color": BLUE}, {"color": VERMILION, "style": "italic"}


@dataclass(frozen=True, kw_only=True)
class Card:
    """A picture (H, W, 3), its true name, and for each of VIEWS the name it got and whether it is right."""

    picture: np.ndarray
    name: str
    votes: Sequence[tuple[str, bool]]


def thumbnail(picture: np.ndarray, side: int) -> np.ndarray:
    """The central square of a picture (H, W, 3), clamped to [0, 1], at most `side` pixels a side and in 64 levels.

    Pixels are left out, not averaged: averaging would take away the noise that the picture is to show. Noise does not
    compress; the fewer levels keep a page of it below 2 MB.
    """
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    kept = np.arange(min(side, short)) * short // min(side, short)
    return np.round(picture[top + kept][:, left + kept].clip(0, 1) * 63) / 63


@styled
def gallery(groups: Mapping[str, Sequence[Card]], title: str, note: str) -> Figure:
    """Cards in groups under a heading each: a picture, its true name, and what every view of it was taken for.

    Names that are right and wrong differ in colour and slant. A group may be empty.
    """
    side, gap, heading_height, left = 1.27, 0.12, 0.3, 0.08
    beside = WIDTH / _ACROSS - side - 2 * left
    heights = [heading_height + -(-len(cards) // _ACROSS) * (side + gap) for cards in groups.values()]
    figure = _page(sum(heights) + _TITLE + _NOTE, title, note)
    top = _TITLE
    for (heading, cards), height in zip(groups.items(), heights, strict=True):
        _write(figure, left, top + 0.05, [heading], fontsize=9.5, weight="bold")
        for place, card in enumerate(cards):
            line, column = divmod(place, _ACROSS)
            corner = left + column * WIDTH / _ACROSS, top + heading_height + line * (side + gap)
            _picture(figure, *corner, side, thumbnail(card.picture, 190))
            _describe(figure, corner[0] + side + 0.07, corner[1], beside, card)
        top += height
    return figure


def _describe(figure: Figure, left: float, top: float, width: float, card: Card) -> None:
    """The true name and the votes, from (left, top) downwards."""
    names = _lines(card.name, width, weight="bold")
    top = _write(figure, left, top, names, weight="bold") + 0.3 * _LINE
    for times, (name, right) in enumerate(card.votes):
        _write(figure, left, top, [f"{times}\N{MULTIPLICATION SIGN}"], color=GREY)
        look = _RIGHT if right else _WRONG
        top = _write(figure, left + 0.19, top, _lines(name, width - 0.19), **look) + 0.15 * _LINE


@styled
def example(pictures: np.ndarray, rows: pd.DataFrame, title: str, note: str = "") -> Figure:
    """One image under growing noise: a line per sigma with its three views and what the majority makes of them.

    `pictures` (sigmas, 3, h, w, 3) in [0, 1]; `rows` one for each, in their order: `sigma, view, predicted, name,
    logit, p, decision`. A view that the majority does not follow is printed in another colour and in italics.
    """
    _check_example(pictures, rows)
    side, gap, left, heading_height = 1.5, 0.1, 0.62, 0.2
    height = side + 2 * _LINE + 0.16
    figure = _page(len(pictures) * height + heading_height + _TITLE + _NOTE, title, note)
    for column, view in enumerate([*VIEWS.values(), "majority"]):
        _write(figure, left + column * (side + gap), _TITLE, [view], fontsize=9.5, weight="bold")
    for line in range(len(pictures)):
        own = rows.iloc[line * len(VIEWS) : (line + 1) * len(VIEWS)]
        top = _TITLE + heading_height + line * height
        _write(figure, 0.08, top, ["sigma", f"{own['sigma'].iloc[0]:g}"], fontsize=9)
        for column, row in enumerate(own.itertuples()):
            corner = left + column * (side + gap), top
            _picture(figure, *corner, side, thumbnail(pictures[line, column], 224))
            _judge(figure, corner[0], top + side + 0.03, side, row)
        verdict, why = decision(own)
        place = left + len(VIEWS) * (side + gap)
        _write(figure, place, top, [*_lines(verdict, WIDTH - place - 0.08, size=9), why], fontsize=9)
    return figure


def _judge(figure: Figure, left: float, top: float, width: float, row: tuple) -> None:
    """Name, logit and p of a view, from (left, top) downwards."""
    followed = row.predicted == row.decision
    name = _lines(row.name, width, 1, weight="bold")
    top = _write(figure, left, top, name, weight="bold", **({} if followed else _WRONG))
    _write(figure, left, top, [f"logit {row.logit:.2f}, p {probability_text(row.p)}"])


def _check_example(pictures: np.ndarray, rows: pd.DataFrame) -> None:
    if pictures.ndim != 5 or pictures.shape[1] != len(VIEWS):
        raise SpuriousError(f"pictures must be (sigmas, {len(VIEWS)}, h, w, 3), not {pictures.shape}")
    if len(rows) != len(pictures) * len(VIEWS):
        raise SpuriousError(f"{len(rows)} rows do not describe {len(pictures)} x {len(VIEWS)} pictures")


def _page(height: float, title: str, note: str) -> Figure:
    """A page of so many inches with its title at the top, the middle of a long one left out, and a note below."""
    if len(title) > 88:
        title = f"{title[:40]}\N{HORIZONTAL ELLIPSIS}{title[-47:]}"
    figure = Figure(figsize=(WIDTH, height))
    figure.suptitle(title, y=1 - 0.1 / height, va="top", parse_math=False)
    figure.text(0.5, 0.08 / height, note, ha="center", fontsize=8, color=GREY)
    return figure


def _picture(figure: Figure, left: float, top: float, side: float, picture: np.ndarray) -> None:
    """A picture as a square of `side` inches, its corner so many inches from the page's left and top."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, 1 - (top + side) / height, side / width, side / height))
    bare(axes)
    axes.imshow(picture, interpolation="none")  # else an SVG would hold it magnified
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)


def _write(figure: Figure, left: float, top: float, lines: Sequence[str], **look: object) -> float:
    """Lines of text so many inches from the page's left and top, downwards; returns the top of the next line."""
    width, height = figure.get_size_inches()
    for line in lines:
        figure.text(left / width, 1 - top / height, line, va="top", parse_math=False, **{"fontsize": _SIZE, **look})
        top += _LINE
    return top


def _lines(name: str, inches: float, most: int = 2, *, size: float = _SIZE, weight: str = "normal") -> list[str]:
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
