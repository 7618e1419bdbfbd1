"""The interval of one proportion, from scipy.special alone: scipy.stats takes a second to import."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri


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
