"""Discordant counts with their test and its verdict."""

import numpy as np
import pandas as pd

from spurious.frames import SIGNIFICANCE
from spurious.statistics.comparisons import holm, mcnemar_exact


def tested(table: pd.DataFrame, first: str, second: str, first_wins: str, second_wins: str) -> pd.DataFrame:
    """The table with McNemar's p of two columns of discordant counts, Holm's correction over its rows, the verdict."""
    p = np.array([mcnemar_exact(*counts) for counts in table[[first, second]].itertuples(index=False)])
    corrected = holm(p)
    winner = np.where(table[first] > table[second], first_wins, second_wins)
    return table.assign(p=p, p_holm=corrected, verdict=np.where(corrected < SIGNIFICANCE, winner, "within noise"))
