"""Intervals, tests and risk-coverage curves, from scipy.special alone: scipy.stats takes a second to import."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri, stdtrit

from spurious.errors import SpuriousError

Verdict = Literal["higher", "lower", "within noise", "too few seeds"]


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


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Mean of a - b over `n` pairs with its t interval; `verdict` says where `a` lies against `b`."""

    difference: float
    low: float
    high: float
    n: int
    verdict: Verdict


def paired_difference(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> PairedDifference:
    """Compare two arms run with the same seeds, in the same order: Student's t on the differences.

    "within noise" when the interval contains 0, "too few seeds" for fewer than two pairs.
    Raises SpuriousError where the arms differ in length.
    """
    if len(a) != len(b):
        raise SpuriousError(f"a paired difference needs equally many values, not {len(a)} and {len(b)}")
    difference, _, low, high = mean_interval(np.subtract(a, b, dtype=float), level)
    return PairedDifference(difference=difference, low=low, high=high, n=len(a), verdict=_verdict(low, high, len(a)))


def _verdict(low: float, high: float, n: int) -> Verdict:
    if n < 2:
        return "too few seeds"
    if low > 0:
        return "higher"
    return "lower" if high < 0 else "within noise"


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


def risk_curve(correct: ArrayLike, score: ArrayLike) -> tuple[NDArray, NDArray]:
    """(coverage, risk): the share of wrong answers among the k with the largest score, k = 1 ... N; (N,) each.

    Coverage is k / N. Equal scores come in random order: the risk is the expectation over it, exactly. The mean of
    the risk is the area under the curve (AURC).
    El-Yaniv and Wiener, "On the foundations of noise-free selective classification", JMLR 11 (2010); Geifman and
    El-Yaniv, "Selective classification for deep neural networks", NIPS (2017).
    """
    wrong, score = 1 - np.asarray(correct, dtype=float), np.asarray(score)
    _, tied = np.unique(-score, return_inverse=True)  # 0 for the largest score
    sizes = np.bincount(tied)
    # in a random order every answer of a tie is wrong as often as the tie's mean
    expected = np.repeat(np.bincount(tied, wrong) / sizes, sizes)
    taken = np.arange(1, score.size + 1)
    return taken / score.size, np.cumsum(expected) / taken
