"""Rates with their intervals: what decides, for every table and figure, which interval a rate has."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from spurious.statistics.clusters import effective_size
from spurious.statistics.intervals import mean_interval, paired_interval
from spurious.statistics.proportions import wilson

RUBBISH_THRESHOLD = 0.5  # above this p, an input that shows nothing counts as recognized


def interval(successes: ArrayLike, n: ArrayLike) -> tuple[NDArray, NDArray]:
    """The 95 % interval (low, high) of the rates `successes` / `n` of independent images; nan where n is 0.

    Wilson's, elementwise, see `spurious.statistics.proportions.wilson`. `successes` need not be whole, where they are
    expectations.
    """
    return wilson(successes, n)


def with_rate(table: pd.DataFrame, name: str, successes: pd.Series, n: pd.Series) -> pd.DataFrame:
    """The table with the rate `name` of independent images in each row, nan where n is 0, its `_low` and `_high`."""
    low, high = interval(successes, n)
    return table.assign(**{name: successes / n.where(n > 0), f"{name}_low": low, f"{name}_high": high})


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A rate with its 95 % interval, of one seed or the mean over several.

    `n` counts outcomes, `sd` is that of the seeds, nan of one. Without outcomes all but the counts are nan.
    """

    rate: float
    low: float
    high: float
    n: int
    sd: float = float("nan")
    seeds: int = 1

    def columns(self, name: str, prefix: str = "") -> dict[str, float]:
        """The rate under its `name`, and its interval: `<prefix>low`, `<prefix>high`."""
        return {name: self.rate, f"{prefix}low": self.low, f"{prefix}high": self.high}


def of_images(outcomes: pd.Series | NDArray) -> Rate:
    """The rate of outcomes (N,), 0 or 1, of independent images in one seed, with `interval`."""
    low, high = interval(outcomes.sum(), len(outcomes))
    return Rate(rate=outcomes.mean() if len(outcomes) else float("nan"), low=low, high=high, n=len(outcomes))


def over_seeds(outcomes: pd.Series, seeds: pd.Series, clusters: pd.Series) -> Rate:
    """The mean over the seeds of the rate of outcomes (N,), 0 or 1, of images that need not be independent.

    `seeds` (N,) and `clusters` (N,): outcomes of one cluster may depend on each other. An image that several seeds
    judge is a cluster (its id), the images of one search are one (seed and label). The interval holds both
    uncertainties: Student's t over the seeds' rates, and Wilson's over as many independent images as the clusters are
    worth (`spurious.statistics.clusters.effective_size`). It is at least as wide as the wider one: on each side the
    root of the sum of both squared distances from the rate, cut to [0, 1]. One seed has Wilson's alone; no outcome nan.

    Simulated coverage, with random effects of seed, image and label (docs/measured/coverage.csv): 93 % or more for 2, 3
    and 5 seeds and rates of .5 to .9999, as long as seeds differ moderately (.3 standard deviations of a probit model,
    as from .985 to .993). Where they differ by twice that at rates of .8 and above, the few rates are skewed
    and t covers less, down to 80 %. Labels are those that there are, not a sample of others.
    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), and Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27
    (2008), add squared distances for sums of estimates.
    """
    outcomes = outcomes.astype(float).reset_index(drop=True)
    seeds = seeds.reset_index(drop=True)
    per_seed = outcomes.groupby(seeds, sort=False).mean()
    rate, sd, *between = mean_interval(per_seed)
    if outcomes.empty:
        return Rate(rate=rate, sd=sd, low=rate, high=rate, n=0, seeds=0)
    weights = 1 / seeds.map(seeds.value_counts())
    size = effective_size(outcomes, pd.factorize(clusters)[0], weights)
    low, high = combined(rate, between, interval(rate * size, size))
    return Rate(rate=rate, sd=sd, low=max(low, 0.0), high=min(high, 1.0), n=outcomes.size, seeds=per_seed.size)


def difference_of_images(changes: pd.Series) -> tuple[float, float, float]:
    """(difference, low, high) of two rates of the same independent images in one seed: `changes` (N,), -1, 0 or 1.

    Bonett and Price's interval, see `spurious.statistics.intervals.paired_interval`.
    """
    return changes.mean(), *paired_interval((changes > 0).sum(), (changes < 0).sum(), len(changes))


def difference_over_seeds(changes: pd.Series, seeds: pd.Series, clusters: pd.Series) -> tuple[float, float, float]:
    """(difference, low, high) of two rates over the seeds, whose outcomes are paired: `changes` (N,), -1, 0 or 1.

    `seeds`, `clusters` and both uncertainties as in `over_seeds`, cut to [-1, 1]; the images' part is Bonett and
    Price's. One seed, which says nothing about others, has no interval (nan).
    Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data",
    Journal of Educational and Behavioral Statistics 37 (2012).
    """
    changes, seeds = changes.reset_index(drop=True), seeds.reset_index(drop=True)
    difference, _, *between = mean_interval(changes.groupby(seeds, sort=False).mean())
    if np.isnan(between).any():
        return difference, float("nan"), float("nan")
    weights = 1 / seeds.map(seeds.value_counts())
    size = effective_size(changes, pd.factorize(clusters)[0], weights)
    weights = weights / weights.sum()
    within = paired_interval(weights @ (changes > 0) * size, weights @ (changes < 0) * size, size)
    low, high = combined(difference, between, within)
    return difference, max(low, -1.0), min(high, 1.0)


def mean_over_seeds(values: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[float, float, float]:
    """(mean, low, high) of a number over the seeds (seeds,), of which each has an interval over its images.

    Both uncertainties as in `combined`, the images' being the mean of their intervals; nan where a seed has none. Where
    a seed's number is inf, the interval reaches from the lowest bound of the seeds on.
    """
    values, low, high = (np.asarray(each, dtype=float) for each in (values, low, high))
    if np.isnan([low, high]).any():
        return float(values.mean()), float("nan"), float("nan")
    if np.isinf(values).any():
        return float(values.mean()), float(low.min()), float("inf")
    mean, _, *between = mean_interval(values)
    return mean, *combined(mean, between, (low.mean(), high.mean()))


def combined(value: float, between: ArrayLike, within: ArrayLike) -> tuple[float, float]:
    """The interval (low, high) of a value that holds both uncertainties, of seeds and of images.

    `between` and `within` are (low, high), which may be infinite. Of one seed `between` is missing (nan) and counts for
    nothing; where an end of `within` is missing so is that of the interval, as seeds that share their images say
    nothing about others.
    """
    seeds = np.nan_to_num(np.abs(np.subtract(between, value)), posinf=np.inf)
    low, high = np.hypot(seeds, np.abs(np.subtract(within, value)))
    return float(value - low), float(value + high)
