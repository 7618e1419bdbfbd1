"""How each classifier is drawn: in colours that the colour-blind can tell apart, and by markers where these run out."""

from collections.abc import Iterator, Sequence
from itertools import count

from spurious.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

Look = dict[str, object]  # what matplotlib draws a line or a point with
COLORS = (VERMILION, BLACK, PURPLE, SKY, GREEN, ORANGE, BLUE)
FEWEST_SIDES = 3  # of the polygon that marks a classifier whose colour another has without a marker


def _marked(color: str, sides: int) -> Look:
    return {"color": color, "marker": (sides, 0, 0), "markersize": 6}


# Those of config.yaml and docs/measured. No two that share a colour are in one row of their figures.
SHIPPED = {
    "cnn": {"color": BLUE},
    "cnn-published": {"color": VERMILION},
    "softmax": {"color": ORANGE},
    "forest": {"color": GREEN},
    "boosted": {"color": PURPLE},
    "nearest": {"color": SKY},
    "maxout": {"color": BLACK},
    "rbf": _marked(GREEN, FEWEST_SIDES),
    "cnn-adversarial": _marked(PURPLE, FEWEST_SIDES),
    "resnet50": _marked(BLUE, FEWEST_SIDES),
    "mobilenet-v2": _marked(ORANGE, FEWEST_SIDES),
    "lenet-0.25": _marked(SKY, FEWEST_SIDES),
    "lenet-0.5": _marked(VERMILION, FEWEST_SIDES),
    "lenet-1": _marked(BLACK, FEWEST_SIDES),
}


def classifier_looks(classifiers: Sequence[str]) -> dict[str, Look]:
    """The look of each classifier, as keywords of matplotlib's lines: a colour, and a marker where it shares that one.

    Those of config.yaml have the same in every figure. Others take by their position what none of `classifiers` has:
    plain colours first, then triangles, squares and so on.
    """
    taken = [SHIPPED[name] for name in classifiers if name in SHIPPED]
    free = (look for look in _looks() if look not in taken)
    return {name: SHIPPED.get(name) or next(free) for name in dict.fromkeys(classifiers)}


def _looks() -> Iterator[Look]:
    """Every look there is, without end."""
    yield from ({"color": color} for color in COLORS)
    for sides in count(FEWEST_SIDES):
        yield from (_marked(color, sides) for color in COLORS)
