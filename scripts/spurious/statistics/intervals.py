"""Intervals of proportions and means, from scipy.special alone: scipy.stats takes a second to import."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit


def wilson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """Score interval (low, high) of a proportion, elementwise over broadcast arrays; nan where n is 0.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    successes, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(n, dtype=float))
    n = np.where(n > 0, n, np.nan)
    z2 = ndtri((1 + level) / 2) ** 2
    share = successes / n
    centre = share + z2 / (2 * n)
    half_width = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2)))
    low, high = (centre - half_width) / (1 + z2 / n), (centre + half_width) / (1 + z2 / n)
    # at the ends the formula is exact, its rounding is not
    return np.where(share == 0, 0.0, low)[()], np.where(share == 1, 1.0, high)[()]


def paired_interval(only_first: float, only_second: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval (low, high) of the difference of two proportions of the same n images, from the discordant counts.

    The counts need not be whole. Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", Journal of Educational and Behavioral Statistics 37 (2012).
    """
    first, second = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half_width = ndtri((1 + level) / 2) * math.sqrt((first + second - (first - second) ** 2) / (n + 2))
    return first - second - half_width, first - second + half_width


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
