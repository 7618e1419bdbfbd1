"""What the table of fooling by scores says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import NO_BREAK, interval, percent

PLURALS = {"image": "test images", "noise": "noise"}


def black_box(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier and start, from the table `black_box`: evolution beside random search."""
    for (classifier, start), rows in table.groupby(["classifier", "start"], sort=False):
        found = rows[rows["search"] == "evolution"].iloc[0]
        control = rows[rows["search"] == "random"].iloc[0]
        queries = "" if pd.isna(found["queries_median"]) else f", after {_queries(found)}"
        about = "" if pd.isna(found["described"]) or not found["described"] else f"; {found['described']}"
        yield (
            f"**{classifier}** (accuracy {percent(found['accuracy'])}{about}), from {PLURALS[start]}, scores alone:"
            f" evolution reaches the target in {_success(found)}{queries};"
            f" random search in {_success(control)} (n = {found['n']} each)"
            f"{_by_distances(rows)}."
        )


def _by_distances(rows: pd.DataFrame) -> str:
    """What an attack that needs no scores reaches, where there is one."""
    own = rows[rows["search"] == "distances"]
    if own.empty:
        return ""
    said = _success(own.iloc[0])
    return f"; a step towards the nearest training images of the target, which needs no scores, in {said}"


def _queries(row: pd.Series) -> str:
    """The median over the successes with its interval, where they are enough for one."""
    low, high = row["queries_low"], row["queries_high"]
    bounds = "" if pd.isna(low) or pd.isna(high) else f", 95{NO_BREAK}% interval {low:.0f} to {high:.0f}"
    return f"{row['queries_median']:.0f} queries (median{bounds})"


def _success(row: pd.Series) -> str:
    return interval(row["success"], row["low"], row["high"], row["n"])
