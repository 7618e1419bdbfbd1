"""This run's confidence in evolved noise, in the words of Nguyen, Yosinski and Clune (CVPR 2015)."""

import pandas as pd

from spurious.writeups.reproduced import COLUMNS, reproduced_row

NGUYEN = "Nguyen et al. 2015"
GENERATION = 200


def confidence(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """The median confidence of this classifier from the table `map-elites` of MNIST: COLUMNS, a row or none."""
    own = table[(table["classifier"] == network) & (table["generation"] == GENERATION)]
    setting = f"MNIST, evolved images, direct encoding, generation {GENERATION}"
    rows = [
        reproduced_row(NGUYEN, "median confidence", setting, row.median_p, row.run_low, row.run_high, row.images)
        for row in own.itertuples()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
