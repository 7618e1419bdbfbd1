"""What Cohen et al. 2019 published that needs no data."""

import pandas as pd

from spurious.statistics.randomized_smoothing import certified_radius
from spurious.writeups.reproduced import COLUMNS, reproduced_row

SOURCE = "Cohen et al. 2019"
LARGEST = "largest certified radius in sigma"
ALPHA = 0.001


def radii(numbers: pd.DataFrame) -> pd.DataFrame:
    """The radii where all draws agree, for the draws that the published `numbers` name: COLUMNS; nothing is sampled.

    Cohen, Rosenfeld and Kolter, "Certified adversarial robustness via randomized smoothing", ICML (2019), 3.2.2.
    """
    settings = numbers["setting"][(numbers["source"] == SOURCE) & (numbers["quantity"] == LARGEST)]
    draws = settings.str.extract(rf"^alpha {ALPHA}, all of ([0-9]+) samples agree$")[0].astype(int)
    rows = []
    for setting, n in zip(settings, draws, strict=True):
        radius = float(certified_radius(n, n, ALPHA, 1.0))
        rows.append(reproduced_row(SOURCE, LARGEST, setting, radius, radius, radius))
    return pd.DataFrame(rows, columns=COLUMNS)
