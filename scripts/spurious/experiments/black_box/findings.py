"""What the table of fooling by scores says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import interval, percent

PLURALS = {"image": "test images", "noise": "noise"}


def black_box(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier and start, from the table `black_box`: evolution beside random search."""
    for (classifier, start), rows in table.groupby(["classifier", "start"], sort=False):
        found = rows[rows["search"] == "evolution"].iloc[0]
        control = rows[rows["search"] == "random"].iloc[0]
        queries = "" if pd.isna(found["queries_median"]) else f", after {found['queries_median']:.0f} queries (median)"
        yield (
            f"**{classifier}** (accuracy {percent(found['accuracy'])}), from {PLURALS[start]}, scores alone: evolution"
            f" reaches the target in {interval(found['success'], found['low'], found['high'])}{queries}; random search"
            f" in {interval(control['success'], control['low'], control['high'])} (n = {found['n']} each)."
        )
