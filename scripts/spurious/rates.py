"""Rates with their intervals: what decides, for every table and figure, which interval a rate has."""

from numpy.typing import ArrayLike, NDArray

from spurious.statistics.intervals import wilson


def interval(successes: ArrayLike, n: ArrayLike) -> tuple[NDArray, NDArray]:
    """The 95 % interval (low, high) of the rates `successes` / `n`, elementwise; nan where n is 0.

    Wilson's, see `spurious.statistics.intervals.wilson`. `successes` need not be whole, where they are expectations.
    """
    return wilson(successes, n)
