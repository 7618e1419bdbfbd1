"""How many independent outcomes a sample of clustered ones is worth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit


def effective_size(outcomes: ArrayLike, clusters: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The number of independent outcomes whose mean is as certain as that of these (N,), N > 0.

    `clusters` (N,): whole numbers from 0 on, the same for outcomes that may depend on each other; `weights` (N,) of the
    mean, equal if left out. The size is Kish's, 1 / sum of squared weights, over the design effect: the variance of the
    mean with the clusters as units over that with the outcomes as units, at least 1. It is multiplied by (z / t)^2, t
    having a degree of freedom less than there are clusters, since few clusters tell their variance badly. Where all
    outcomes are equal nothing tells how the clusters hang together, and each counts as one. Where no cluster has two
    outcomes the size is Kish's.
    Kish, "Survey sampling" (1965), sections 5.4 and 8.2; Korn and Graubard, "Confidence intervals for proportions with
    small expected number of positive counts estimated from survey data", Survey Methodology 24 (1998).
    """
    outcomes, clusters = np.asarray(outcomes, dtype=float), np.asarray(clusters)
    weights = np.full(outcomes.size, 1.0) if weights is None else np.asarray(weights, dtype=float)
    weights = weights / weights.sum()
    size, units = 1 / np.square(weights).sum(), np.unique(clusters).size
    if units == outcomes.size:
        return float(size)
    if outcomes.min() == outcomes.max():
        return float(_of_clusters(weights, clusters))
    deviations = weights * (outcomes - weights @ outcomes)
    together = np.square(np.bincount(clusters, deviations)).sum() * units / max(units - 1, 1)
    alone = np.square(deviations).sum() * outcomes.size / (outcomes.size - 1)
    return float(size / max(together / alone, 1.0) * _few(units))


def _of_clusters(weights: NDArray, clusters: NDArray) -> float:
    return 1 / np.square(np.bincount(clusters, weights)).sum()


def _few(units: int, level: float = 0.95) -> float:
    """(z / t)^2 of so many units; of a single one, which tells no variance, that of two."""
    tail = (1 + level) / 2
    return float((ndtri(tail) / stdtrit(max(units - 1, 1), tail)) ** 2)
