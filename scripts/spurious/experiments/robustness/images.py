"""The figure of attacked images: original, change, what every view of the defence sees, and what it decides."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from spurious.defences.rejection import REJECTED
from spurious.experiments.robustness.settings import EXAMPLES
from spurious.figures.examples import Examples
from spurious.figures.labels import class_name
from spurious.figures.page import LINE, WRONG, fitted_lines, nothing, page, picture_at, write
from spurious.figures.pictures import in_colour, magnification, thumbnail
from spurious.figures.style import GREY, WIDTH, styled
from spurious.frames import Arrays
from spurious.perturbations.norms import NORMS
from spurious.views.kinds import words_of

GAP, TOP, FOOT, LARGEST = 0.09, 0.62, 0.34, 1.25  # inches: between pictures, above and below them, of a side
UNDER = 2 * LINE + 0.12  # inches of the text under every picture
NOTE = "middle grey: unchanged; in italics: classified as another class than the original"


@styled
def figure(examples: Examples, class_names: Sequence[str] | None = None) -> Figure:
    """A row per image: the original, the magnified change, then the views of the changed image with their labels.

    Under the original the decision on it, under the change its size and the decision that it leads to.
    """
    rows = examples.rows
    if rows.empty:
        return nothing("attacked behind its defence", "Nothing to show: no image was found.")
    first, columns = rows.iloc[0], 2 + len(rows["views"].iloc[0])
    side = min(LARGEST, (WIDTH - GAP) / columns - GAP)
    left = (WIDTH - columns * (side + GAP) + GAP) / 2
    title = f"{first['classifier']} behind {first['defence']}, seed {first['seed']}, attacked: {first['attack']}"
    drawn = page(TOP + len(rows) * (side + UNDER) + FOOT, title, NOTE)
    heads = ["original", "change", *(words_of(name) for name in first["views"])]
    places = [left + column * (side + GAP) for column in range(columns)]
    for place, head in zip(places, heads, strict=True):
        write(drawn, place, TOP - LINE - 0.05, fitted_lines(head, side, 1), color=GREY)
    for line, row in enumerate(rows.to_dict("records")):
        _example(drawn, places, TOP + line * (side + UNDER), side, row, examples.tensors, class_names)
    return drawn


def _named(decision: int, names: Sequence[str] | None) -> str:
    return "rejected" if decision == REJECTED else class_name(decision, names)


def _example(
    drawn: Figure,
    places: Sequence[float],
    top: float,
    side: float,
    row: Mapping[str, Any],
    tensors: Arrays,
    class_names: Sequence[str] | None,
) -> None:
    """One image from left to right."""
    named = partial(_named, names=class_names)
    kept = ("original", "fooled", "views", "labels")
    original, fooled, views, labels = (tensors[f"{EXAMPLES}/{row['id']}/{name}"] for name in kept)
    factor = magnification(fooled - original)
    size = f"{_size(row)}, \N{MULTIPLICATION SIGN} {factor:g}"
    shown = [original, 0.5 + factor * (fooled - original), *views]
    texts = [[named(row["clean"])], [size, f"decision: {named(row['predicted'])}"], *([named(own)] for own in labels)]
    wrong = [False, False, *(labels != row["label"])]
    for place, picture, lines, differs in zip(places, shown, texts, wrong, strict=True):
        picture_at(drawn, place, top, side, thumbnail(in_colour(picture), round(170 * side)))
        fitted = [part for line in lines for part in fitted_lines(line, side, 1)]
        write(drawn, place, top + side + 0.03, fitted, **(WRONG if differs else {}))


def _size(row: Mapping[str, Any]) -> str:
    """How large the change is in its norm; in one that the rows do not measure, how large it may be at most."""
    norm = row["norm"]
    measured = f"{row[norm]:.2g}" if norm in row else f"\N{LESS-THAN OR EQUAL TO} {row['epsilon']:g}"
    return f"{NORMS[norm].words if norm in NORMS else norm} {measured}"
