"""What the table of fooling by the gradient says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import interval


def fooling(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier, from the table `fooling`: the success of every method beside its control.

    A method has neither where the classifier got no image right before.
    """
    for classifier, rows in table[table["seed"].astype(str) != "all"].groupby("classifier", sort=False):
        first = rows[rows["seed"] == rows["seed"].iloc[0]]
        parts = [f"*{row.method}* {_success(row)}" for row in first.itertuples()]
        control = "a random change of the same size (from noise: by that noise as it is)"
        yield (
            f"**{classifier}** is fooled, in brackets by {control}: {'; '.join(parts)} (seed {first['seed'].iloc[0]})."
        )


def _success(row: tuple) -> str:
    if not row.n:
        return "nothing (no image was right before)"
    success = interval(row.success, row.low, row.high, row.n)
    return f"{success}, of {row.n:,} [{interval(row.control, row.control_low, row.control_high, row.n)}]"
