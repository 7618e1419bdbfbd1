"""Figures of photographs: what the vote mends and what it rejects; one photograph under growing noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.examples import VIEWS, decision
from spurious.figures.page import LINE, RIGHT, WRONG, fitted_lines, page, picture_at, write
from spurious.figures.style import GREY, WIDTH, probability_text, styled

_ACROSS = 3  # cards in a row of the gallery
_TITLE, _NOTE = 0.4, 0.32  # inches of the page above and below what is drawn


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
    figure = page(sum(heights) + _TITLE + _NOTE, title, note)
    top = _TITLE
    for (heading, cards), height in zip(groups.items(), heights, strict=True):
        write(figure, left, top + 0.05, [heading], fontsize=9.5, weight="bold")
        for place, card in enumerate(cards):
            line, column = divmod(place, _ACROSS)
            corner = left + column * WIDTH / _ACROSS, top + heading_height + line * (side + gap)
            picture_at(figure, *corner, side, thumbnail(card.picture, 190))
            _describe(figure, corner[0] + side + 0.07, corner[1], beside, card)
        top += height
    return figure


def _describe(figure: Figure, left: float, top: float, width: float, card: Card) -> None:
    """The true name and the votes, from (left, top) downwards."""
    names = fitted_lines(card.name, width, weight="bold")
    top = write(figure, left, top, names, weight="bold") + 0.3 * LINE
    for times, (name, right) in enumerate(card.votes):
        write(figure, left, top, [f"{times}\N{MULTIPLICATION SIGN}"], color=GREY)
        look = RIGHT if right else WRONG
        top = write(figure, left + 0.19, top, fitted_lines(name, width - 0.19), **look) + 0.15 * LINE


@styled
def example(pictures: np.ndarray, rows: pd.DataFrame, title: str, note: str = "") -> Figure:
    """One image under growing noise: a line per sigma with its three views and what the majority makes of them.

    `pictures` (sigmas, 3, h, w, 3) in [0, 1]; `rows` one for each, in their order: `sigma, view, predicted, name,
    logit, p, decision`. A view that the majority does not follow is printed in another colour and in italics.
    """
    _check_example(pictures, rows)
    side, gap, left, heading_height = 1.5, 0.1, 0.62, 0.2
    height = side + 2 * LINE + 0.16
    figure = page(len(pictures) * height + heading_height + _TITLE + _NOTE, title, note)
    for column, view in enumerate([*VIEWS.values(), "majority"]):
        write(figure, left + column * (side + gap), _TITLE, [view], fontsize=9.5, weight="bold")
    for line in range(len(pictures)):
        own = rows.iloc[line * len(VIEWS) : (line + 1) * len(VIEWS)]
        top = _TITLE + heading_height + line * height
        write(figure, 0.08, top, ["sigma", f"{own['sigma'].iloc[0]:g}"], fontsize=9)
        for column, row in enumerate(own.itertuples()):
            corner = left + column * (side + gap), top
            picture_at(figure, *corner, side, thumbnail(pictures[line, column], 224))
            _judge(figure, corner[0], top + side + 0.03, side, row)
        verdict, why = decision(own)
        place = left + len(VIEWS) * (side + gap)
        write(figure, place, top, [*fitted_lines(verdict, WIDTH - place - 0.08, size=9), why], fontsize=9)
    return figure


def _judge(figure: Figure, left: float, top: float, width: float, row: tuple) -> None:
    """Name, logit and p of a view, from (left, top) downwards."""
    followed = row.predicted == row.decision
    name = fitted_lines(row.name, width, 1, weight="bold")
    top = write(figure, left, top, name, weight="bold", **({} if followed else WRONG))
    write(figure, left, top, [f"logit {row.logit:.2f}, p {probability_text(row.p)}"])


def _check_example(pictures: np.ndarray, rows: pd.DataFrame) -> None:
    if pictures.ndim != 5 or pictures.shape[1] != len(VIEWS):
        raise SpuriousError(f"pictures must be (sigmas, {len(VIEWS)}, h, w, 3), not {pictures.shape}")
    if len(rows) != len(pictures) * len(VIEWS):
        raise SpuriousError(f"{len(rows)} rows do not describe {len(pictures)} x {len(VIEWS)} pictures")
