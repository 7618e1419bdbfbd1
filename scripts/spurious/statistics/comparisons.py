"""Paired differences, exact tests, and p values corrected for many tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from spurious.errors import SpuriousError
from spurious.statistics.intervals import mean_interval


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Mean of a - b over `n` pairs with its t interval, nan for fewer than two."""

    difference: float
    low: float
    high: float
    n: int


def paired_difference(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> PairedDifference:
    """Compare values of the same images (or seeds), in the same order: Student's t on the differences.

    Raises SpuriousError where the two differ in length.
    """
    if len(a) != len(b):
        raise SpuriousError(f"a paired difference needs equally many values, not {len(a)} and {len(b)}")
    difference, _, low, high = mean_interval(np.subtract(a, b, dtype=float), level)
    return PairedDifference(difference=difference, low=low, high=high, n=len(a))


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p of the discordant counts under a fair coin: what only one of two classifiers got right.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947), with the binomial instead of its chi-square approximation.
    """
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def holm(p: ArrayLike) -> NDArray:
    """p values (N,) corrected for N tests: one below alpha keeps the chance of any false finding below alpha.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979): the
    smallest is multiplied by N, the next by N - 1 ..., none falls below the one before it or exceeds 1.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(1, p[order] * np.arange(p.size, 0, -1)))
    return corrected
