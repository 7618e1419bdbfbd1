"""Intervals of proportions and means, from scipy.special alone: scipy.stats takes a second to import."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit


def paired_interval(only_first: float, only_second: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval (low, high) of the difference of two proportions of the same n images, from the discordant counts.

    Cut to [-1, 1]. The counts need not be whole. Bonett and Price, "Adjusted Wald confidence interval for a difference
    of binomial proportions based on paired data", Journal of Educational and Behavioral Statistics 37 (2012).
    """
    first, second = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half_width = ndtri((1 + level) / 2) * math.sqrt((first + second - (first - second) ** 2) / (n + 2))
    return max(first - second - half_width, -1.0), min(first - second + half_width, 1.0)


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float, float]:
    """(mean, sd, low, high): sample standard deviation and Student's t interval of the mean.

    One value has a mean but neither spread nor interval (nan); no value has nothing.
    Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    values = np.asarray(values, dtype=float)
    mean = float(values.mean()) if values.size else math.nan
    if values.size < 2:
        return mean, math.nan, math.nan, math.nan
    sd = float(values.std(ddof=1))
    half_width = float(stdtrit(values.size - 1, (1 + level) / 2)) * sd / math.sqrt(values.size)
    return mean, sd, mean - half_width, mean + half_width
