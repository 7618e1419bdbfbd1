"""What counts under Gaussian noise say of a smoothed classifier.

Cohen, Rosenfeld and Kolter, "Certified adversarial robustness via randomized smoothing", ICML (2019), algorithms
CERTIFY and PREDICT.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv, ndtri


def lower_bound(successes: ArrayLike, n: ArrayLike, alpha: float) -> NDArray:
    """One-sided lower bound of a proportion, elementwise: above the true one with probability `alpha` at most.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika
    26 (1934). The whole of alpha is on this side: a two-sided interval would have half of it.
    """
    successes, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(n, dtype=float))
    bound = betaincinv(np.maximum(successes, 1), n - np.maximum(successes, 1) + 1, alpha)
    return np.where(successes > 0, bound, 0.0)[()]


def certified_radius(successes: ArrayLike, n: ArrayLike, alpha: float, sigma: float) -> NDArray:
    """L2 radius within which the class that `successes` of `n` draws name is certified, 0 where there is none.

    sigma Phi^-1(p), p the `lower_bound`, where p is above 1 / 2: theorem 1, with 1 - p for the runner-up. In the units
    of sigma, the standard deviation of the noise. It holds with probability 1 - alpha or more, provided that the class
    was chosen by other draws.

    >>> from spurious.statistics.randomized_smoothing import certified_radius
    >>> certified_radius([990, 500], 1000, alpha=0.001, sigma=0.25).round(4).tolist()
    [0.4945, 0.0]
    """
    return sigma * ndtri(np.maximum(lower_bound(successes, n, alpha), 0.5))


def leads(first: int, second: int, alpha: float) -> bool:
    """Whether the most frequent class is the likeliest one, at level `alpha`, from the two largest counts: PREDICT.

    The two-sided binomial test of equal chances. Hung and Fithian, "Rank verification for exponential families",
    Annals of Statistics 47 (2019).
    """
    return bool(2 * bdtr(float(second), first + second, 0.5) <= alpha)
