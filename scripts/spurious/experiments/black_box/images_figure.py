"""The figure of images before and after evolution."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.figures.labels import class_name
from spurious.figures.page import fitted_lines
from spurious.figures.pictures import pictures
from spurious.figures.style import BLACK, GREY, VERMILION, WIDTH, bare, styled
from spurious.frames import Arrays

NOTE = "before: label, or p of the target; after: decision (p of the target), in italics where the search failed"
NOTE_OF_NAMES = "before: label, or p of the target; after: decision, 'to' a missed target (p of it), in italics: failed"
NAME = 0.45  # inches of a class's name
Pictures = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


@styled
def black_box_images(
    rows: pd.DataFrame,
    pictures: Pictures,
    title: str,
    *,
    count: int = 3,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Images before and after evolution: a row for each classifier, the first `count` from images and from noise.

    `rows`: what `search_scores.py` writes; `pictures`: by (classifier, start) the images before and after, (n, H, W) or
    (n, H, W, 3) each, pixels in [0, 1], in the order of the rows. Under an image is its label, under noise p of the
    target; under the result the decision with p of the target, which is named where it is another class; in italics
    where the search did not succeed. With `class_names` the decision has a line of its own, and
    so has a target that was missed ("to ...").
    """
    classifiers = list(dict.fromkeys(rows["classifier"]))
    line_height, gap, foot = (0.84, 0.5, 0.5) if class_names is None else (1.06, 0.85, 0.67)
    height = 0.8 + line_height * len(classifiers)
    figure = Figure(figsize=(WIDTH, height))  # a solved layout of so many panels differs in its last digits every time
    left = 0.02 + 0.0115 * max(map(len, classifiers))
    places = {"left": left, "right": 0.99, "top": 1 - 0.52 / height, "bottom": foot / height}
    widths = [1] * 2 * count + [0.35] + [1] * 2 * count
    spaces = {"wspace": 0.08, "hspace": gap}
    grid = figure.subplots(
        len(classifiers), len(widths), squeeze=False, width_ratios=widths, gridspec_kw=places | spaces
    )
    for axes in grid.flat:
        bare(axes)
        axes.xaxis.label.set(size=7.5, color=BLACK)
        axes.xaxis.labelpad = 2
    for line, classifier in zip(grid, classifiers, strict=True):
        line[0].set_ylabel(classifier, rotation=0, ha="right", va="center", fontsize=9.5, labelpad=8)
        for start, own in (("image", line[: 2 * count]), ("noise", line[-2 * count :])):
            chosen = (rows["classifier"] == classifier) & (rows["start"] == start) & (rows["search"] == "evolution")
            _draw_pairs(own, rows[chosen].head(count), *pictures[classifier, start], class_names)
    grid[0, 0].set_title("from test images", loc="left", fontsize=9)
    grid[0, -2 * count].set_title("from noise", loc="left", fontsize=9)
    figure.suptitle(title, y=1 - 0.07 / height)
    figure.supxlabel(NOTE if class_names is None else NOTE_OF_NAMES, fontsize=8, color=GREY, y=0.06 / height)
    return figure


def _draw_pairs(
    line: np.ndarray,
    rows: pd.DataFrame,
    before: np.ndarray,
    after: np.ndarray,
    class_names: Sequence[str] | None,
) -> None:
    """Axes of a row, two for each search: where it began and what it found."""
    for place, row in enumerate(rows.itertuples()):
        left, right = line[2 * place : 2 * place + 2]
        for axes, image in ((left, before[place]), (right, after[place])):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.spines[:].set(visible=True, color=GREY, linewidth=0.4)
        left_text = _named(row.label, class_names) if row.start == "image" else short_probability(row.start_p_target)
        left.set_xlabel(left_text, parse_math=False)
        missed = {} if row.success else {"color": VERMILION, "style": "italic"}
        right.set_xlabel(_result(row, class_names), **missed, parse_math=False)


def _result(row: tuple, class_names: Sequence[str] | None) -> str:
    """The decision with p of the target, and which target was missed."""
    decision, p = _named(row.predicted, class_names), short_probability(row.p_target)
    reached = row.predicted == row.target
    if class_names is not None:
        missed = [] if reached else fitted_lines(f"to {class_name(row.target, class_names)}", NAME, 1)
        return "\n".join([decision, *missed, f"({p})"])
    return f"{decision} ({p})" if reached else f"to {row.target}: {p}\nsays {decision}"


def _named(label: float, class_names: Sequence[str] | None) -> str:
    name = class_name(label, class_names)
    return name if class_names is None else "".join(fitted_lines(name, NAME, 1))


def short_probability(p: float) -> str:
    """p to two decimals; what only rounding makes 0 or 1 is printed as an inequality."""
    if p == 0 or p == 1:
        return f"{p:g}"
    return "<.01" if p < 0.005 else ">.99" if p >= 0.995 else f"{p:.2f}"[1:]


def figure(rows: Sequence[pd.DataFrame], images: Sequence[Arrays], class_names: Sequence[str] | None = None) -> Figure:
    """Images before and after evolution, of every classifier; a file of each kind for every classifier."""
    shown = {}
    for own, stored in zip(rows, images, strict=True):
        for start in own["start"].unique():
            both = (pictures(stored[f"{start}/{name}"]) for name in ("original", "evolution"))
            shown[own["classifier"].iloc[0], start] = tuple(both)
    title = "images that evolution ends with, seeing class scores alone"
    return black_box_images(pd.concat(rows, ignore_index=True), shown, title, class_names=class_names)
