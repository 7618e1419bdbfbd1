"""What the table of searches says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.frames import published_first
from spurious.wording import interval, over_seeds


def backworking(table: pd.DataFrame, *, found_above: float) -> Iterator[str]:
    """A sentence per classifier and search, from the table `backworking-summary`."""
    for row in published_first(table, "search").itertuples():
        found = over_seeds(f"{row.found_min:g}", f"{row.found_max:g}", row.seeds, f" of {row.images // row.seeds}")
        yield (
            f"**{row.classifier}**, search *{row.search}*: {row.found} of {row.images} images reach p > {found_above:g}"
            f" ({interval(row.share, row.low, row.high, row.images)};"
            f" {found}). A search takes {row.steps_median:g} steps (median over labels and seeds; one that never has"
            " enough goes on to its limit)."
        )
