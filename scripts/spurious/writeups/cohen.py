"""What Cohen et al. 2019 published that needs no data."""

import pandas as pd

from spurious.statistics.randomized_smoothing import certified_radius
from spurious.writeups.reproduced import COLUMNS, reproduced_row

SOURCE = "Cohen et al. 2019"
ALPHA = 0.001


def radii() -> pd.DataFrame:
    """The largest radii, in sigma, that n samples can certify at ALPHA: COLUMNS; low and high are the number.

    Cohen, Rosenfeld and Kolter, "Certified adversarial robustness via randomized smoothing", ICML (2019).
    """
    rows = []
    for n in (100, 1000, 10_000, 100_000):
        radius = float(certified_radius(n, n, ALPHA, 1.0))
        setting = f"alpha {ALPHA}, all of {n} samples agree"
        rows.append(reproduced_row(SOURCE, "largest certified radius in sigma", setting, radius, radius, radius))
    return pd.DataFrame(rows, columns=COLUMNS)
