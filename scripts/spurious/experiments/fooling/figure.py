"""Figures of fooling: images, the change magnified, and what they are then classified as."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.errors import SpuriousError
from spurious.figures.examples import Examples
from spurious.figures.labels import class_name
from spurious.figures.page import LINE, WRONG, fitted_lines, nothing, page, picture_at, write
from spurious.figures.pictures import in_colour, magnification, thumbnail
from spurious.figures.style import GREY, WIDTH, probability_text, styled
from spurious.perturbations.norms import NORMS
from spurious.wording import plural

_GAP, _TOP, _HEADING, _FOOT = (
    0.09,
    0.42,
    0.54,
    0.34,
)  # inches: between pictures; title, headings, note
_TEXT = 2 * LINE + 0.1  # inches under every picture
_LARGEST, _SINGLE = 1.25, 2.1  # inches of a picture's side, at most; where there is one example
MOST = 3  # methods that fit beside each other
NOTHING = "Nothing to show: the classifier got no image right before, and no method starts from noise."
NOTE = "middle grey: unchanged; italics: another class than the original; sizes of changes: pixels in [0, 1]"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What one method made of the examples: its `name`, and in words the `size` that it may change them by.

    `original` and `fooled` (n, C, H, W), pixels in [0, 1] (beyond, where the method does not clamp); `rows` are those
    of the n images: `label, target, clean_predicted, clean_p, predicted, p, l2, linf`; `of` needs `id` as well.
    """

    name: str
    size: str
    original: np.ndarray
    fooled: np.ndarray
    rows: pd.DataFrame

    def of(self, ids: Sequence[object]) -> "Panel":
        """The panel of these examples, in the order of the ids."""
        places = [self.rows["id"].tolist().index(name) for name in ids]
        rows = self.rows.iloc[places]
        return dataclasses.replace(self, original=self.original[places], fooled=self.fooled[places], rows=rows)


@styled
def fooling(panels: Sequence[Panel], title: str, class_names: Sequence[str] | None = None) -> Figure:
    """A row per example: the original, then for every method the magnified change and the result.

    The methods must have started from the same images. Under the pictures: what they are classified as, with
    its p; where the method wanted to get to, and the size of the change. One method has two examples in a row.
    """
    _check(panels)
    count = len(panels[0].original)
    blocks = 2 if len(panels) == 1 and count > 1 else 1
    columns = blocks * (1 + 2 * len(panels))
    side = min(_LARGEST if count > 1 else _SINGLE, (WIDTH - _GAP) / columns - _GAP)
    lines = math.ceil(count / blocks)
    figure = page(_TOP + _HEADING + lines * (side + _TEXT) + _FOOT, title, NOTE)
    left = (WIDTH - columns * (side + _GAP) + _GAP) / 2
    for block in range(blocks):
        start = left + block * (1 + 2 * len(panels)) * (side + _GAP)
        _headings(figure, start, side, panels)
        for line, example in enumerate(range(block, count, blocks)):
            _example(figure, (start, _TOP + _HEADING + line * (side + _TEXT)), side, panels, example, class_names)
    return figure


def size_text(norm: str, epsilon: float, steps: int) -> str:
    """The size of the change that a method allows, pixels in [0, 1], and in how many steps."""
    return f"{NORMS[norm].words} \N{LESS-THAN OR EQUAL TO} {epsilon:.3g}, {steps} step{'s' if steps > 1 else ''}"


def _check(panels: Sequence[Panel]) -> None:
    first = panels[0]
    for panel in panels:
        if panel.original.shape != first.original.shape or (panel.original != first.original).any():
            raise SpuriousError(f"{panel.name} and {first.name} start from different images; draw them apart")
        if not len(panel.rows) == len(panel.original) == len(panel.fooled):
            raise SpuriousError(f"{panel.name}: {len(panel.rows)} rows do not describe {len(panel.original)} images")


def _headings(figure: Figure, left: float, side: float, panels: Sequence[Panel]) -> None:
    """Over the columns: what is in them, and which method over its two."""
    third = _TOP + 2 * LINE + 0.03
    write(figure, left, third, ["original"], color=GREY)
    for place, panel in enumerate(panels):
        start = left + (1 + 2 * place) * (side + _GAP)
        write(figure, start, _TOP, fitted_lines(panel.name, 2 * side, 1, weight="bold"), weight="bold")
        write(figure, start, _TOP + LINE + 0.015, fitted_lines(panel.size, 2 * side, 1))
        factor = magnification(panel.fooled - panel.original)
        write(figure, start, third, [f"change \N{MULTIPLICATION SIGN} {factor:g}"], color=GREY)
        write(figure, start + side + _GAP, third, ["result"], color=GREY)


def _example(
    figure: Figure,
    corner: tuple[float, float],
    side: float,
    panels: Sequence[Panel],
    example: int,
    class_names: Sequence[str] | None,
) -> None:
    """One example from (left, top) to the right."""
    (left, top), under = corner, corner[1] + side + 0.03

    named = partial(class_name, class_names=class_names)
    first = panels[0].rows.iloc[example]
    _show(figure, left, top, side, panels[0].original[example])
    write(
        figure,
        left,
        under,
        [*fitted_lines(named(first["clean_predicted"]), side, 1), f"p {probability_text(first['clean_p'])}"],
    )
    for place, panel in enumerate(panels):
        row, start = panel.rows.iloc[example], left + (1 + 2 * place) * (side + _GAP)
        change = panel.fooled[example] - panel.original[example]
        _show(figure, start, top, side, 0.5 + magnification(panel.fooled - panel.original) * change)
        goal = f"from {named(row['label'])}" if pd.isna(row["target"]) else f"to {named(row['target'])}"
        write(figure, start, under, [*fitted_lines(goal, side, 1), f"L2 {row['l2']:.2g}"], color=GREY)
        _show(figure, start + side + _GAP, top, side, panel.fooled[example])
        look = WRONG if row["predicted"] != row["clean_predicted"] else {}
        texts = [*fitted_lines(named(row["predicted"]), side, 1), f"p {probability_text(row['p'])}"]
        write(figure, start + side + _GAP, under, texts, **look)


def _show(figure: Figure, left: float, top: float, side: float, image: np.ndarray) -> None:
    """An image (C, H, W), clamped to [0, 1]; of a large one, no more pixels than are seen; see `pictures`."""
    picture_at(figure, left, top, side, thumbnail(in_colour(image), round(170 * side)))


def figure(examples: Examples, class_names: Sequence[str] | None = None) -> Figure:
    """Examples, the magnified change, and what they are then classified as: the first methods that clamp."""
    rows = examples.rows
    if rows.empty:
        return nothing("fooled along its gradient", NOTHING)
    panels = in_common([panel_of(examples, name) for name in first_methods(rows)])
    shown = plural(len(panels[0].original), "example")
    title = f"{rows['classifier'].iloc[0]}, fooled along its gradient: {shown}, seed {rows['seed'].iloc[0]}"
    return fooling(panels, title, class_names)


def first_methods(rows: pd.DataFrame) -> list[str]:
    """The first methods that clamp, start from images and have an example in common; where none does, the first."""
    own = rows[(rows["start"] == "image") & rows["clamp"]]
    chosen, ids = [], set(own["id"])
    for name, group in own.groupby("method", sort=False):
        if common := ids & set(group["id"]):
            chosen, ids = [*chosen, name], common
    return chosen[:MOST] or [rows["method"].iloc[0]]


def in_common(panels: list[Panel]) -> list[Panel]:
    """The panels with the examples that all of them have, by id; as they are where they have none in common.

    Methods with different numbers of images have other examples.
    """
    ids = [name for name in panels[0].rows["id"] if all((own.rows["id"] == name).any() for own in panels)]
    return [own.of(ids) for own in panels] if ids else panels


def panel_of(examples: Examples, method: str) -> Panel:
    """The examples of one method."""
    own = examples.rows[examples.rows["method"] == method]
    first = own.iloc[0]
    size = size_text(first["norm"], first["epsilon"], first["steps"])
    original, fooled = (examples.tensors[f"{method}/{kind}"] for kind in ("original", "fooled"))
    return Panel(name=method, size=size, original=original, fooled=fooled, rows=own)
