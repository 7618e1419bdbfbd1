"""What the table of attacks on defences says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.robustness.settings import WORST
from spurious.wording import interval, percent


def robustness(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier (first seed) and norm: what every defence gets wrong at the smallest size."""
    rows = table[table["attack"] == WORST]
    rows = rows[rows["seed"] == rows.groupby("classifier")["seed"].transform("first")]
    for (classifier, norm), own in rows.groupby(["classifier", "norm"], sort=False):
        smallest = own[own["epsilon"] == own["epsilon"].min()]
        parts = [f"*{row.defence}* {_error(row)}" for row in smallest.itertuples()]
        yield (
            f"**{classifier}** (seed {smallest['seed'].iloc[0]}), changed by at most {smallest['epsilon'].iloc[0]:g}"
            f" ({norm}) by an attacker who knows the defence, is wrong: {', '.join(parts)}."
        )


def _error(row: tuple) -> str:
    text = interval(row.robust_error_detect, row.robust_error_detect_low, row.robust_error_detect_high)
    rejects = row.robust_error_strict > row.robust_error_detect
    return text + (f" ({percent(row.robust_error_strict)} with rejections)" if rejects else "")
