"""The key below a figure."""

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

ACROSS = 3  # keys in a row, at most


def legend_below(
    figure: Figure,
    handles: Sequence[Artist],
    texts: Sequence[str] | None = None,
    *,
    across: int = ACROSS,
    breaks: Sequence[int] = (),
    **look: object,
) -> Legend | None:
    """A legend below the panels that reads from left to right, row by row; None where there is nothing to tell apart.

    `texts` are the handles' labels if left out. The rows are as even as they can be, at most `across` keys each; the
    last one may be shorter and begins at the left. `breaks` are the places of keys that begin a new row.
    """
    texts = [handle.get_label() for handle in handles] if texts is None else list(texts)
    if len(handles) < 2:
        return None
    keys = list(zip(handles, texts, strict=True))
    groups = [keys[first:last] for first, last in pairwise([0, *breaks, len(keys)]) if first < last]
    columns = columns_of([len(group) for group in groups], across)
    filled = [key for group in groups[:-1] for key in [*group, *[_blank()] * (-len(group) % columns)]] + groups[-1]
    ordered = [key for column in range(columns) for key in filled[column::columns]]  # matplotlib goes down the columns
    own = {"loc": "outside lower center", "ncols": columns, **look}
    return figure.legend(*zip(*ordered, strict=True), **own)


def columns_of(groups: Sequence[int], across: int = ACROSS) -> int:
    """How many keys are in a row of a legend with groups of so many."""
    most = max(groups)
    return math.ceil(most / math.ceil(most / across))


def rows_of(groups: Sequence[int], across: int = ACROSS) -> int:
    """How many rows a legend with groups of so many keys has."""
    columns = columns_of(groups, across)
    return sum(math.ceil(count / columns) for count in groups)


def _blank() -> tuple[Artist, str]:
    return Line2D([], [], linestyle="none"), ""
