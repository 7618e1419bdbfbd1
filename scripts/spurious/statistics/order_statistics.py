"""Intervals of a median by order statistics."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

FEWEST = 6  # values whose range covers the median with 95 %: that of n does with 1 - 2 / 2^n


def order_statistic_median(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """(median, low, high): the interval by order statistics, without any assumption on the distribution.

    It reaches from the k-th smallest to the k-th largest value, k as large as the binomial distribution allows for at
    least the `level`; nan where there are too few values for any. Conover, "Practical nonparametric statistics" (1999),
    section 3.2.
    """
    values = np.sort(np.asarray(values, dtype=float))
    if not values.size:
        return (float("nan"),) * 3
    ranks = np.arange(1, values.size // 2 + 1)
    k = int((2 * bdtr(ranks - 1.0, values.size, 0.5) <= 1 - level).sum())
    bounds = (values[k - 1], values[-k]) if k else (float("nan"),) * 2
    return float(np.median(values)), float(bounds[0]), float(bounds[1])
