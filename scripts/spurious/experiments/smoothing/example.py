"""The figure of one photograph under growing noise."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.examples import decision
from spurious.figures.page import LINE, NOTE, TITLE, WRONG, fitted_lines, page, picture_at, write
from spurious.figures.pictures import thumbnail
from spurious.figures.style import WIDTH, probability_text, styled
from spurious.views.kinds import words_of


@styled
def example(pictures: np.ndarray, rows: pd.DataFrame, title: str, note: str = "") -> Figure:
    """One image under growing noise: a line per sigma with its views and what the majority makes of them.

    `pictures` (sigmas, views, h, w, 3) in [0, 1]; `rows` one for each, in their order: `sigma, view, predicted, name,
    logit, p, decision`. A view that the majority does not follow is printed in another colour and in italics. With
    more than three views, pictures are smaller.
    """
    views = list(dict.fromkeys(rows["view"]))
    _check_example(pictures, rows, views)
    gap, left = 0.1, 0.62
    side = 1.5 if len(views) <= 3 else 4.8 / len(views) - gap
    heading_height, height = (0.2, side + 2 * LINE + 0.16) if len(views) <= 3 else (0.35, side + 3 * LINE + 0.16)
    figure = page(len(pictures) * height + heading_height + TITLE + NOTE, title, note)
    for column, words in enumerate([*map(words_of, views), "majority"]):
        _head(figure, left + column * (side + gap), side, words, narrow=len(views) > 3)
    for line in range(len(pictures)):
        own = rows.iloc[line * len(views) : (line + 1) * len(views)]
        top = TITLE + heading_height + line * height
        write(figure, 0.08, top, ["sigma", f"{own['sigma'].iloc[0]:g}"], fontsize=9)
        for column, row in enumerate(own.itertuples()):
            corner = left + column * (side + gap), top
            picture_at(figure, *corner, side, thumbnail(pictures[line, column], 224))
            _write_prediction(figure, corner[0], top + side + 0.03, side, row, narrow=len(views) > 3)
        verdict, why = decision(own)
        place = left + len(views) * (side + gap)
        write(figure, place, top, [*fitted_lines(verdict, WIDTH - place - 0.08, size=9), why], fontsize=9)
    return figure


def _head(figure: Figure, left: float, width: float, words: str, *, narrow: bool) -> None:
    """What a column shows, above it."""
    look = {"fontsize": 8 if narrow else 9.5, "weight": "bold"}
    lines = fitted_lines(words.replace("-", " "), width, size=8, weight="bold") if narrow else [words]
    write(figure, left, TITLE, lines, **look)


def _write_prediction(figure: Figure, left: float, top: float, width: float, row: tuple, *, narrow: bool) -> None:
    """Name, logit and p of a view, from (left, top) downwards."""
    followed = row.predicted == row.decision
    name = fitted_lines(row.name, width, 1, weight="bold")
    top = write(figure, left, top, name, weight="bold", **({} if followed else WRONG))
    numbers = [f"logit {row.logit:.2f}", f"p {probability_text(row.p)}"]
    write(figure, left, top, numbers if narrow else [", ".join(numbers)])


def _check_example(pictures: np.ndarray, rows: pd.DataFrame, views: Sequence[str]) -> None:
    if pictures.ndim != 5 or pictures.shape[1] != len(views):
        raise SpuriousError(f"pictures must be (sigmas, {len(views)}, h, w, 3), not {pictures.shape}")
    if len(rows) != len(pictures) * len(views):
        raise SpuriousError(f"{len(rows)} rows do not describe {len(pictures)} x {len(views)} pictures")
