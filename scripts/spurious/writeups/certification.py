"""Numbers of Cohen et al. 2019 that need no data."""

import pandas as pd

from spurious.statistics.randomized_smoothing import certified_radius
from spurious.writeups.reproduced import COLUMNS, reproduced_row

COHEN = "Cohen et al. 2019"
LARGEST = "largest certified radius in sigma"
ALPHA = 0.001


def largest_radii(numbers: pd.DataFrame) -> pd.DataFrame:
    """The radii where all draws agree, for the draws that the published `numbers` name: COLUMNS; nothing is sampled."""
    settings = numbers["setting"][(numbers["source"] == COHEN) & (numbers["quantity"] == LARGEST)]
    draws = settings.str.extract(rf"^alpha {ALPHA}, all of ([0-9]+) samples agree$")[0].astype(int)
    rows = []
    for setting, n in zip(settings, draws, strict=True):
        radius = float(certified_radius(n, n, ALPHA, 1.0))
        rows.append(reproduced_row(COHEN, LARGEST, setting, radius, radius, radius))
    return pd.DataFrame(rows, columns=COLUMNS)
