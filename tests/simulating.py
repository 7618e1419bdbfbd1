"""Rates over seeds, simulated: how often their interval covers the rate.

An outcome is a hit where the sum of independent normal effects of the seed, of the image (or of the search: eight
images of one seed and label), of the label and of the outcome itself exceeds a threshold. Effects of labels are fixed
within a draw, since the classes are all that there are; the threshold is chosen so that the rate over seeds and images
is the one asked for.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr

from spurious.rates import over_seeds
from spurious.statistics.intervals import mean_interval
from spurious.statistics.proportions import wilson

LABELS = 10


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rate of so many seeds with so many images each; standard deviations of the effects, the outcome's own is 1."""

    design: str  # "images" that all seeds judge, or "searches" of a seed and label
    images: int
    seeds: int
    rate: float
    seed_sd: float
    image_sd: float
    label_sd: float


def outcomes(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hits and clusters (seeds, images) of one draw."""
    labels = np.arange(case.images) % LABELS
    effects = case.label_sd * rng.standard_normal(LABELS)
    scale = np.sqrt(1 + case.seed_sd**2 + case.image_sd**2)
    threshold = brentq(lambda value: ndtr((effects - value) / scale).mean() - case.rate, -60, 60)
    if case.design == "images":
        clusters = np.tile(np.arange(case.images), (case.seeds, 1))
        own = np.tile(rng.standard_normal(case.images), (case.seeds, 1))
    else:
        clusters = np.arange(case.seeds)[:, None] * LABELS + labels
        own = rng.standard_normal((case.seeds, LABELS))[:, labels]
    total = case.seed_sd * rng.standard_normal((case.seeds, 1)) + case.image_sd * own + effects[labels]
    return total + rng.standard_normal(own.shape) > threshold, clusters


def coverage(case: Case, *, draws: int, seed: int) -> dict[str, float]:
    """The shares of draws in which the rate lies in the interval, and in t's and Wilson's alone; its mean width."""
    rng = np.random.default_rng(seed)
    covered, width = {"coverage": 0, "t": 0, "wilson": 0}, 0.0
    for _ in range(draws):
        hits, clusters = outcomes(case, rng)
        places = np.repeat(np.arange(case.seeds), case.images)
        found = over_seeds(*(pd.Series(own) for own in (hits.ravel(), places, clusters.ravel())))
        bounds = {"coverage": (found.low, found.high), "t": mean_interval(hits.mean(1))[2:]}
        bounds["wilson"] = wilson(hits.sum(), hits.size)
        for name, (low, high) in bounds.items():
            covered[name] += low <= case.rate <= high
        width += (found.high - found.low) / draws
    return {name: count / draws for name, count in covered.items()} | {"width": width}
