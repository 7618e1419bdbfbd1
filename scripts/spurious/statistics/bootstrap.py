"""Bootstrap intervals of the median of values that come in clusters: all of one image are drawn together."""

import math

import numpy as np
from numpy.typing import NDArray

from spurious.statistics.order_statistics import FEWEST

REPLICATES = 1000
SPREADS = 5.0  # standard deviations of a replicate's rank that the first window holds
CELLS = 10_000_000  # of a window that are at hand at once, four bytes each


def draws(count: int, *, replicates: int = REPLICATES, seed: int = 0) -> NDArray:
    """How often each of `count` images is drawn in every replicate, int32 (replicates, count)."""
    drawn = np.random.default_rng(seed).integers(count, size=(replicates, count), dtype=np.int32)
    return np.stack([np.bincount(own, minlength=count).astype(np.int32) for own in drawn])


def bootstrap_median(values: NDArray, resampled: NDArray, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval (low, high) of the median over all values (N, K), nan left out, by image.

    `resampled`: what `draws` returns; a replicate whose images have no value has no median and does not count. Of fewer
    than FEWEST images there is no interval (nan): they repeat each other in too many replicates. Efron and Tibshirani,
    "An introduction to the bootstrap" (1993), chapter 13.
    """
    present = (~np.isnan(values)).any(1)
    if present.sum() < FEWEST:
        return math.nan, math.nan
    drawn = resampled @ present
    medians = resampled_medians(values, resampled[drawn > 0])
    levels = [(1 - level) / 2, (1 + level) / 2]
    with np.errstate(invalid="ignore"):  # between two medians of inf numpy has nan
        bounds = np.quantile(medians, levels)
    low, high = np.where(np.isnan(bounds), np.quantile(medians, levels, method="higher"), bounds)
    return float(low), float(high)


def resampled_medians(values: NDArray, resampled: NDArray) -> NDArray:
    """The median of the values (N, K), nan left out, of the images of every replicate, exactly; (replicates,).

    All values are sorted once. A replicate's median is the value at which its counts, summed up in this order, reach
    half: that lies near the middle, so that only a window there is summed up one by one, and what lies before it by one
    product of matrices. The window is widened until it holds all medians.
    """
    present = ~np.isnan(values)
    images = np.nonzero(present)[0]
    order = np.argsort(values[present], kind="stable")
    ranked, images = values[present][order], images[order]
    per_image = present.sum(1).astype(np.int32)
    total, middle = resampled @ per_image, len(ranked) // 2
    excess = _counts(images[:middle], per_image) - per_image / 2
    reach = int(SPREADS * math.sqrt(np.square(excess - excess.mean()).sum())) + values.shape[1]
    while True:
        start, stop = max(middle - reach, 0), min(middle + reach, len(ranked))
        before = resampled @ _counts(images[:start], per_image)
        left, right = _places(resampled, images[start:stop], before, total)
        inside = (start == 0 or (2 * before < total).all()) and (stop == len(ranked) or right.max() < stop - start)
        if inside:
            return (ranked[start + left] + ranked[start + right]) / 2
        reach *= 2


def _counts(images: NDArray, per_image: NDArray) -> NDArray:
    return np.bincount(images, minlength=len(per_image)).astype(np.int32)


def _places(resampled: NDArray, images: NDArray, before: NDArray, total: NDArray) -> tuple[NDArray, NDArray]:
    """Where in the window the counts reach half of the total, and where they exceed it: the two middle values."""
    found = []
    size = max(1, CELLS // max(1, len(images)))
    for first in range(0, len(resampled), size):
        part = slice(first, first + size)
        summed = before[part, None] + np.cumsum(resampled[part][:, images], axis=1, dtype=np.int32)
        half = total[part, None]
        found.append(((2 * summed < half).sum(1), (2 * summed <= half).sum(1)))
    left, right = zip(*found, strict=True)
    return np.concatenate(left), np.concatenate(right)
