"""This run's confidence in evolved noise, in the words of Nguyen, Yosinski and Clune (CVPR 2015)."""

import pandas as pd

from spurious.statistics.order_statistics import FEWEST
from spurious.writeups.reproduced import COLUMNS, reproduced_row

NGUYEN = "Nguyen et al. 2015"
GENERATION = 200


def confidence(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """The median confidence of this classifier from the table `map-elites` of MNIST: COLUMNS, a row or none.

    The range of fewer than FEWEST runs is no interval.
    """
    own = table[(table["classifier"] == network) & (table["generation"] == GENERATION)]
    setting = f"MNIST, evolved images, direct encoding, generation {GENERATION}"
    few = own["runs"] < FEWEST
    own = own.assign(run_low=own["run_low"].mask(few), run_high=own["run_high"].mask(few))
    rows = [
        reproduced_row(NGUYEN, "median confidence", setting, row.median_p, row.run_low, row.run_high, row.images)
        for row in own.itertuples()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
