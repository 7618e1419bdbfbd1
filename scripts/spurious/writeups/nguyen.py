"""This run's confidence in evolved noise, in the words of Nguyen, Yosinski and Clune (CVPR 2015)."""

import pandas as pd

from spurious.writeups.reproduced import COLUMNS, reproduced_row

NGUYEN = "Nguyen et al. 2015"
GENERATION = 200
FEWEST = 6  # runs whose range covers their median with 95 %, as 2 / 2^6 is below .05


def confidence(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """The median confidence of this classifier from the table `map-elites` of MNIST: COLUMNS, a row or none.

    The range of fewer than FEWEST runs is no interval.
    """
    own = table[(table["classifier"] == network) & (table["generation"] == GENERATION)]
    setting = f"MNIST, evolved images, direct encoding, generation {GENERATION}"
    bounds = own[["run_low", "run_high"]].where(own["runs"] >= FEWEST)
    rows = [
        reproduced_row(NGUYEN, "median confidence", setting, row.median_p, *ends, row.images)
        for row, ends in zip(own.itertuples(), bounds.to_numpy(), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
