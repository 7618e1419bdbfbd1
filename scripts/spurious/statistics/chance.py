"""When a classifier does no better than its classes' shares: a sign that it is not fed as it was trained."""

import numpy as np
from numpy.typing import ArrayLike

from spurious.statistics.proportions import wilson
from spurious.wording import percent, plural

CAUSES = "value range of the pixels (0 to 1, or 0 to 255), mean and std, order of the classes, resize and crop"


def limit(classes: int, largest: float) -> float:
    """The accuracy up to which one counts as near chance, of `classes` where the largest has the share `largest`.

    That share itself, which a constant answer reaches, or three times chance, 1 / `classes`, but at most a quarter of
    the way from chance to 1.
    """
    chance = 1 / classes
    return max(largest, min(3 * chance, chance + (1 - chance) / 4))


def largest_share(labels: ArrayLike) -> float:
    """The share of the most frequent of the labels (N,), N > 0."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return float(counts.max() / counts.sum())


def near_chance(labels: ArrayLike, predicted: ArrayLike, classes: int) -> str | None:
    """`sentence` of predictions (N,) of images with these labels (N,); None where there are none or they are better.

    They are near chance where the upper end of the accuracy's Wilson 95 % interval is at most `limit`. This is a
    note in a log and in no result: it stays Wilson's whatever `spurious.rates` decides, and no training depends on
    that.
    """
    right = np.asarray(labels) == np.asarray(predicted)
    if not right.size:
        return None
    _, high = wilson(right.sum(), right.size)
    return sentence(right.size, float(right.mean()), float(high), largest_share(labels), classes)


def sentence(n: int, accuracy: float, high: float, largest: float, classes: int) -> str | None:
    """That this accuracy on n images is near chance, and the usual causes; None where its upper bound is better."""
    if high > limit(classes, largest):
        return None
    return (
        f"gets {percent(accuracy, n)} of {plural(n, 'image')} without noise right, near chance for {classes} classes,"
        f" the largest of which has {percent(largest, n)} of the images; check {CAUSES}"
    )
