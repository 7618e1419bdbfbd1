"""The figure of photographs that the vote decides and rejects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.data.datasets import to_float
from spurious.data.photographs import PhotographSource
from spurious.errors import SpuriousError
from spurious.experiments.smoothing import looks
from spurious.experiments.smoothing.examples import corrected, rejected
from spurious.experiments.smoothing.rates import main_rows
from spurious.experiments.smoothing.rows import reference_of, views_of
from spurious.figures.page import LINE, NOTE, RIGHT, TITLE, WRONG, fitted_lines, page, picture_at, write
from spurious.figures.pictures import thumbnail
from spurious.figures.style import GREY, WIDTH, styled
from spurious.frames import spread
from spurious.views.kinds import words_of
from spurious.views.settings import Variant
from spurious.wording import plural

SIGMA, COUNT = 0.25, 6  # the noise, or the nearest that there is; images of each kind
_ACROSS = 3  # cards in a row of the gallery


@dataclass(frozen=True, kw_only=True)
class Card:
    """A picture (H, W, 3), its true name, and for each view the name it got and whether it is right."""

    picture: np.ndarray
    name: str
    votes: Sequence[tuple[str, bool]]


@styled
def gallery(groups: Mapping[str, Sequence[Card]], title: str, note: str, marks: Sequence[str]) -> Figure:
    """Cards in groups under a heading each: a picture, its true name, and what every view of it was classified as.

    `marks` come before the views' names. Names that are right and wrong differ in colour and slant. A group may be
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


def figure(votes: pd.DataFrame, photographs: PhotographSource, class_names: Sequence[str], variant: Variant) -> Figure:
    """Photographs under noise that the vote corrects, and some that it rejects: one classifier's smallest kernel."""
    votes = main_rows(votes)
    kernel = votes["kernel"].min()
    sigma = min(votes["sigma"].unique(), key=lambda sigma: abs(sigma - SIGMA))
    rows = votes[(votes["kernel"] == kernel) & (votes["sigma"] == sigma)]
    views, groups = views_of(rows), {}
    for kind, own in kinds_of(rows, views).items():
        shown = spread(own, COUNT)
        heading = f"{kind} ({len(shown)} of {plural(len(own), 'image')})"
        groups[heading] = cards(shown, views, photographs, class_names, variant)
    title = f"{rows['classifier'].iloc[0]} under noise of sigma {sigma:g}, {kernel} taps"
    signs, meaning = looks.marks(views)
    return gallery(groups, title, f"{meaning}; in italics: wrong", signs)


def kinds_of(rows: pd.DataFrame, views: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The images that the gallery may show, in groups by what the vote makes of them."""
    reference = reference_of(views)
    without = "without blurring" if reference == "ns" else words_of(reference)
    split = "no two of the three agree" if len(views) == 3 else f"no class has more than half of the {len(views)} views"
    return {
        f"corrected: wrong {without}, right by majority": corrected(rows, reference),
        f"rejected: {split}": rejected(rows),
    }


def cards(
    rows: pd.DataFrame,
    views: Sequence[str],
    photographs: PhotographSource,
    class_names: Sequence[str],
    variant: Variant,
) -> list[Card]:
    """The images of votes under the very noise that was classified, with their names and votes.

    Raises SpuriousError for a vote on an image that is not there, and for a class without a name.
    """
    places = {image: place for place, image in enumerate(photographs.ids)}
    found = []
    for row in rows.itertuples():
        classes = [row.label, *(getattr(row, view) for view in views)]
        if row.image not in places:
            raise SpuriousError(f"photographs: {row.image} is missing, but has votes; run the noise sweep again")
        if max(classes) >= len(class_names):
            raise SpuriousError(f"class_names: the class {max(classes)} has no name; add it")
        image = to_float(photographs.load(places[row.image]))[None]
        noisy = variant.noisy(image, [row.image], row.sigma, row.seed)
        (name, _), *votes = [(class_names[number], number == row.label) for number in classes]
        found.append(Card(picture=noisy[0].permute(1, 2, 0).numpy(), name=name, votes=votes))
    return found
