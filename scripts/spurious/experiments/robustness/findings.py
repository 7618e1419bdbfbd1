"""What the table of attacks on defences says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.robustness.settings import WORST
from spurious.experiments.robustness.table import overall, seeds_of
from spurious.wording import interval, percent


def robustness(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier and norm: what every defence gets wrong at the smallest size.

    And one for each claim: what the defence gets wrong at the largest size at which it claims to hold.
    """
    rows = overall(table[table["attack"] == WORST])
    for (classifier, norm), own in rows.groupby(["classifier", "norm"], sort=False):
        smallest = own[own["epsilon"] == own["epsilon"].min()]
        first = smallest.iloc[0]
        parts = [f"*{row.defence}* {_error(row)}" for row in smallest.itertuples()]
        yield (
            f"**{classifier}** ({seeds_of(first)}, n = {first['n']:,}), changed by at most {first['epsilon']:g}"
            f" ({norm}) by an attacker who knows the defence, is wrong: {', '.join(parts)}."
        )

    claims = rows[rows["claimed"]].sort_values("epsilon").groupby(["classifier", "defence", "norm"], sort=False)
    for row in claims.tail(1).itertuples():
        size = f"{row.epsilon:g} ({row.norm})"
        yield f"**{row.classifier}** (*{row.defence}*) claims to hold up to {size}: there it is wrong on {_error(row)}."


def _error(row: tuple) -> str:
    text = interval(row.robust_error_detect, row.robust_error_detect_low, row.robust_error_detect_high, row.n)
    rejects = row.robust_error_strict > row.robust_error_detect
    return text + (f" ({percent(row.robust_error_strict, row.n)} with rejections)" if rejects else "")
