"""Risk-coverage curves of classifiers that may decline to answer."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
