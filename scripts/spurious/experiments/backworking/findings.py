"""What the table of searches says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.frames import published_first
from spurious.wording import interval


def backworking(table: pd.DataFrame, *, found_above: float) -> Iterator[str]:
    """A sentence per classifier and search, from the table `backworking-summary`."""
    for row in published_first(table, "search").itertuples():
        yield (
            f"**{row.classifier}**, search *{row.search}*: {row.found} of {row.images} images reach p > {found_above:g}"
            f" ({interval(row.share, row.low, row.high)}; per seed {row.found_min:g} to {row.found_max:g} of"
            f" {row.images // row.seeds}). A search takes {row.steps_median:g} steps (median over labels and"
            " seeds; one that never has enough goes on to its limit)."
        )
