"""What the arms of retraining look like, the same in every figure."""

from collections.abc import Sequence
from itertools import cycle

import pandas as pd
from matplotlib.lines import Line2D

from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from spurious.perturbations.negatives import NEGATIVES, OF_SEARCH

COLOURS = (BLACK, BLUE, ORANGE, GREEN)  # of the negatives, in the order of NEGATIVES
SEARCHED = VERMILION  # the images of another search than the first
PLAIN = (PURPLE, SKY, GREY)  # negatives of any other name
LINES = {"none": "-", "uniform": "-", "extra": "--"}  # of the targets
MARKERS = {"none": "o", "uniform": "o", "extra": "s"}
TARGET_TEXT = {"uniform": "uniform labels", "extra": "extra class"}

Arm = tuple[str, str]  # negatives, target
Look = dict[str, str]  # keywords of a line


def arms_of(table: pd.DataFrame) -> list[Arm]:
    """The arms as the page has them: by negatives, as in NEGATIVES, then of other searches, then as in the table."""
    order = {name: place for place, name in enumerate(NEGATIVES)}
    arms = dict.fromkeys(zip(table["negatives"], table["target"], strict=True))
    return sorted(arms, key=lambda arm: order.get(arm[0], len(order) + (not arm[0].startswith(OF_SEARCH))))


def looks(arms: Sequence[Arm]) -> dict[str, Look]:
    """The colour of the negatives of these arms, of all classifiers: those of NEGATIVES have one of their own.

    Others take PLAIN in their order, and then come with hollow markers.
    """
    fixed = dict(zip(NEGATIVES, COLOURS, strict=False))  # an extension may have added some
    others = cycle([*((color, color) for color in PLAIN), *((color, "white") for color in (*PLAIN, *COLOURS[1:]))])
    found = {}
    for name in dict.fromkeys(negatives for negatives, _ in arms):
        color = SEARCHED if name.startswith(OF_SEARCH) else fixed.get(name)
        color, face = (color, color) if color else next(others)
        found[name] = {"color": color, "markerfacecolor": face}
    return found


def arm_keys(arms: Sequence[Arm], **look: object) -> tuple[list[Line2D], list[Line2D]]:
    """The keys of a legend: one per colour, and, where there are several, one per target. Shorter than one per arm."""
    colors = looks(arms).items()
    negatives = [Line2D([], [], marker="o", label=f"negatives: {name}", **own, **look) for name, own in colors]
    targets = [target for target in TARGET_TEXT if target in {target for _, target in arms}]
    if len(targets) < 2:
        return negatives, []
    drawn = [{"marker": MARKERS[target], "ls": LINES[target], "label": TARGET_TEXT[target]} for target in targets]
    return negatives, [Line2D([], [], color=GREY, **look | own | {"label": f"target: {own['label']}"}) for own in drawn]
