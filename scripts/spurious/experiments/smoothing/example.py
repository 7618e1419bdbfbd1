"""The figure of one photograph under growing noise."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.examples import VIEWS, decision
from spurious.figures.page import LINE, NOTE, TITLE, WRONG, fitted_lines, page, picture_at, write
from spurious.figures.pictures import thumbnail
from spurious.figures.style import WIDTH, probability_text, styled


@styled
def example(pictures: np.ndarray, rows: pd.DataFrame, title: str, note: str = "") -> Figure:
    """One image under growing noise: a line per sigma with its three views and what the majority makes of them.

    `pictures` (sigmas, 3, h, w, 3) in [0, 1]; `rows` one for each, in their order: `sigma, view, predicted, name,
    logit, p, decision`. A view that the majority does not follow is printed in another colour and in italics.
    """
    _check_example(pictures, rows)
    side, gap, left, heading_height = 1.5, 0.1, 0.62, 0.2
    height = side + 2 * LINE + 0.16
    figure = page(len(pictures) * height + heading_height + TITLE + NOTE, title, note)
    for column, view in enumerate([*VIEWS.values(), "majority"]):
        write(figure, left + column * (side + gap), TITLE, [view], fontsize=9.5, weight="bold")
    for line in range(len(pictures)):
        own = rows.iloc[line * len(VIEWS) : (line + 1) * len(VIEWS)]
        top = TITLE + heading_height + line * height
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
