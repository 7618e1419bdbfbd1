"""How many searches have succeeded after how many queries."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.experiments.black_box.table import KEYS
from spurious.frames import require


def success_curves(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], NDArray, NDArray]]:
    """(classifier, start, search), and after how many queries (M,) what share of all searches has succeeded (M,).

    All searches of a group have the same budget, so that the share is the Kaplan-Meier estimate.
    """
    require(rows, [*KEYS, "success", "queries"], "black box rows")
    for key, own in rows.groupby(KEYS, sort=False):
        queries, counts = np.unique(own.loc[own["success"].astype(bool), "queries"], return_counts=True)
        share = np.cumsum(counts) / len(own)
        budget = own["queries"].max()
        yield (
            key,
            np.concatenate([[1], queries, [budget]]),
            np.concatenate([[0], share, share[-1:] if len(share) else [0]]),
        )
