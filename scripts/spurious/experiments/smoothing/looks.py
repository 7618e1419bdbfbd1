"""How the views look in figures: their words and colours."""

from collections.abc import Sequence

from spurious.figures.style import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, YELLOW
from spurious.views.kinds import blurs_of, words_of

COLOURS = (BLACK, BLUE, SKY, GREEN, PURPLE, YELLOW, GREY)
MARKERS = ("o", "s", "D", "P", "X", "*", "p")

WIDEST = 105  # characters that a note has room for


def looks(views: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Words, colour and marker of views by their columns; with more views than colours these come again."""
    return {
        view: (words_of(view), COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
        for place, view in enumerate(views)
    }


def marks(views: Sequence[str]) -> tuple[list[str], str]:
    """A short mark for each view, and what the marks mean.

    How often the image was blurred where all views are blurs, else the view's place; where their words are too long
    for a line, the columns stand for them.
    """
    times = [blurs_of(view) for view in views]
    if None not in times:
        found = [f"{count}\N{MULTIPLICATION SIGN}" for count in times]
        return found, f"{', '.join(found)}: how often it was blurred"
    numbers = [str(place) for place in range(1, len(views) + 1)]
    names = [words_of(view) for view in views]
    if sum(map(len, names)) > WIDEST - 5 * len(views):
        names = views
    return numbers, ", ".join(f"{number}: {name}" for number, name in zip(numbers, names, strict=True))
