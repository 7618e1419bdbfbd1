"""The key below a figure."""

import math
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend

ACROSS = 3  # keys in a row, at most


def legend_below(
    figure: Figure,
    handles: Sequence[Artist],
    texts: Sequence[str] | None = None,
    *,
    across: int = ACROSS,
    **look: object,
) -> Legend | None:
    """A legend below the panels that reads from left to right, row by row; None where there is nothing to tell apart.

    `texts` are the handles' labels if left out. The rows are as even as they can be, at most `across` keys each; the
    last one may be shorter and begins at the left.
    """
    texts = [handle.get_label() for handle in handles] if texts is None else list(texts)
    if len(handles) < 2:
        return None
    columns = math.ceil(len(handles) / math.ceil(len(handles) / across))
    # matplotlib fills column by column
    order = [place for column in range(columns) for place in range(column, len(handles), columns)]
    own = {"loc": "outside lower center", "ncols": columns, **look}
    return figure.legend([handles[place] for place in order], [texts[place] for place in order], **own)
