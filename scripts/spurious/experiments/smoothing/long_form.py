"""Rates of the noise sweep, one in a row."""

import pandas as pd

from spurious.experiments.smoothing.rates import rates_of
from spurious.experiments.smoothing.rows import SETTING


def in_long_form(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of smoothing.csv, one per rate: `classifier, kernel, sigma, rate, value, low, high, n`.

    n is the rate's own number of images: for `acc_maj` the accepted ones.
    """
    accepted = (summary["n"] * (1 - summary["reject_rate"])).round().astype(int)
    parts = [
        summary[["classifier", *SETTING]].assign(
            rate=rate,
            value=summary[rate],
            low=summary[f"{rate}_low"],
            high=summary[f"{rate}_high"],
            n=accepted if rate == "acc_maj" else summary["n"],
        )
        for rate in rates_of(summary)
    ]
    return interleaved(parts)


def interleaved(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of equally many rows as one: their first rows, then their second rows ..."""
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
