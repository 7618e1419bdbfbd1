"""The formulas of randomized smoothing, against scipy's tests and coverage that is summed up."""

import numpy as np
import pytest
from scipy import optimize, stats

from spurious.statistics.randomized_smoothing import certified_radius, leads, lower_bound

LARGEST = {100: 1.50, 1000: 2.46, 10_000: 3.20, 100_000: 3.81}  # published, in sigma, for alpha = .001


def two_sided(successes, n, alpha):
    return stats.binomtest(successes, n).proportion_ci(1 - alpha, method="exact").low


def coverage(bound, n, p, alpha):
    """The probability, over all counts, that the bound is not above p."""
    counts = np.arange(n + 1)
    return stats.binom.pmf(counts, n, p) @ (np.array([bound(count, n, alpha) for count in counts]) <= p)


@pytest.mark.parametrize(("n", "published"), LARGEST.items())
def test_the_largest_radii_are_the_published_ones(n, published):
    assert certified_radius(n, n, 0.001, 1.0) == pytest.approx(published, abs=0.005)
    assert certified_radius(n, n, 0.001, 0.25) == pytest.approx(certified_radius(n, n, 0.001, 1.0) / 4)


def test_a_two_sided_bound_would_miss_the_published_radii():
    for n, published in LARGEST.items():
        assert abs(stats.norm.ppf(two_sided(n, n, 0.001)) - published) > 0.02


@pytest.mark.parametrize(("successes", "n"), [(1, 1), (1, 9), (70, 100), (999, 1000), (10_000, 10_000)])
def test_the_bound_solves_its_equation(successes, n):
    solved = optimize.brentq(lambda p: stats.binom.sf(successes - 1, n, p) - 0.01, 1e-12, 1)
    assert lower_bound(successes, n, 0.01) == pytest.approx(solved, rel=1e-6)


def test_the_bound_of_no_success_is_0_and_bounds_are_elementwise():
    assert lower_bound([0, 5], 10, 0.05).tolist() == [0, lower_bound(5, 10, 0.05)]
    assert np.diff(lower_bound(np.arange(11), 10, 0.05)).min() > 0


def test_the_bound_covers_and_no_sharper_one_does():
    chances = np.linspace(0.5, 0.99, 50)
    covered = [coverage(lower_bound, 40, p, 0.05) for p in chances]
    assert min(covered) >= 0.95
    assert min(covered) < 0.96  # two-sided with the same alpha: .975 or more
    assert min(coverage(two_sided, 40, p, 0.05) for p in chances) > 0.97
    assert min(coverage(lambda *given: 1.02 * lower_bound(*given), 40, p, 0.05) for p in chances) < 0.95


def test_half_or_less_certifies_nothing():
    assert certified_radius([0, 50, 55], 100, 0.001, 1.0).tolist() == [0, 0, 0]
    assert certified_radius(99, 100, 0.001, 1.0) > 0


@pytest.mark.parametrize(("first", "second"), [(1, 0), (9, 0), (10, 0), (11, 0), (60, 40), (80, 40), (5, 5), (0, 0)])
def test_the_lead_is_scipys_binomial_test(first, second):
    p = stats.binomtest(first, first + second).pvalue if first else 1.0
    assert leads(first, second, 0.001) == (p <= 0.001)
