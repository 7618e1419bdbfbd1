import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from spurious.errors import SpuriousError
from spurious.statistics.comparisons import holm, mcnemar_exact, paired_difference
from spurious.statistics.intervals import mean_interval, paired_interval
from spurious.statistics.proportions import wilson
from spurious.statistics.selection import risk_curve


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 1), (1, 1), (0, 7), (7, 7), (3, 10), (40, 975), (860, 975), (9999, 10000)]
)
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_wilson_is_scipys(successes, n, level):
    reference = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert wilson(successes, n, level) == pytest.approx((reference.low, reference.high), abs=1e-12)


@pytest.mark.parametrize(
    ("published", "low", "high"),
    [(0.8820, 0.8603, 0.9008), (0.3425, 0.3134, 0.3730), (0.0902, 0.0739, 0.1099)],
)
def test_wilson_of_the_published_accuracies(published, low, high):
    assert wilson(round(published * 975), 975) == pytest.approx((low, high), abs=2e-4)


def test_wilson_is_elementwise_and_broadcasts():
    low, high = wilson(np.array([[0], [3]]), np.array([3, 10]))
    assert low.shape == high.shape == (2, 2)
    assert (low[1, 1], high[1, 1]) == wilson(3, 10)


def test_wilson_is_exact_at_the_ends():
    low, high = wilson(np.array([0, 975]), 975)
    assert low[0] == 0
    assert high[1] == 1


def test_wilson_of_nothing_is_nan_without_a_warning(recwarn):
    low, high = wilson(np.array([0, 1]), np.array([0, 2]))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False]
    assert not recwarn.list


def test_mean_interval_is_scipys():
    values = [0.91, 0.95, 0.93, 0.99, 0.90]
    mean, sd, low, high = mean_interval(values)
    reference = stats.t.interval(0.95, df=4, loc=np.mean(values), scale=stats.sem(values))
    assert (low, high) == pytest.approx(reference, rel=1e-12)
    assert (mean, sd) == pytest.approx((np.mean(values), np.std(values, ddof=1)))


def test_the_paired_interval_is_bonett_and_prices():
    first, second = 26 / 102, 6 / 102
    half = 1.959964 * math.sqrt((first + second - (first - second) ** 2) / 102)
    assert paired_interval(25, 5, 100) == pytest.approx((first - second - half, first - second + half), rel=1e-6)
    low, high = paired_interval(0, 0, 100)
    assert low == -high < 0, "images that all agree leave their number's uncertainty"


def test_mean_interval_golden():
    assert mean_interval([1, 2, 3]) == pytest.approx((2, 1, 2 - 2.484138, 2 + 2.484138), abs=1e-6)


def test_mean_interval_of_one_value_has_no_spread():
    mean, *others = mean_interval([0.5])
    assert mean == 0.5
    assert np.isnan(others).all()


def test_mean_interval_of_nothing_is_nan(recwarn):
    assert np.isnan(mean_interval([])).all()
    assert not recwarn.list


def test_paired_difference_is_scipys_paired_t():
    a, b = [0.9, 0.8, 0.95, 0.7], [0.85, 0.81, 0.9, 0.6]
    result = paired_difference(a, b)
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    assert result.difference == pytest.approx(np.mean(a) - np.mean(b))
    assert result.n == 4


def test_paired_difference_uses_the_pairs():
    unpaired_noise = [0.0, 10.0, 20.0]
    result = paired_difference([value + 1 for value in unpaired_noise], unpaired_noise)
    assert (result.low, result.high) == (1, 1)


def test_paired_difference_of_one_seed_has_no_interval():
    result = paired_difference([3], [1])
    assert result.difference == 2
    assert math.isnan(result.low)
    assert math.isnan(result.high)


def test_paired_difference_needs_pairs():
    with pytest.raises(SpuriousError, match="3 and 2"):
        paired_difference([1, 2, 3], [1, 2])


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (0, 6), (5, 5), (3, 12), (40, 61), (700, 800)])
def test_mcnemar_is_the_binomial_test(first, second):
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar_exact(second, first) == mcnemar_exact(first, second)


def test_mcnemar_golden():
    assert mcnemar_exact(0, 6) == 2 / 2**6


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.04], [0.04]),
        ([0.9, 0.6], [1, 1]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([], []),
    ],
)
def test_holm_golden(p, expected):
    assert holm(p).tolist() == pytest.approx(expected)


def step_down(p, alpha):
    """Holm's procedure as he writes it: go on while the smallest p left is small enough for the tests left."""
    rejected, left = set(), sorted(range(len(p)), key=lambda index: p[index])
    while left and p[left[0]] <= alpha / len(left):
        rejected.add(left.pop(0))
    return rejected


@pytest.mark.parametrize("seed", range(5))
def test_holm_decides_as_the_step_down_procedure(seed):
    p = np.random.default_rng(seed).random(12) ** 8
    p[3] = p[7]
    decisions = set()
    for alpha in np.geomspace(1e-6, 0.999, 200):
        expected = step_down(p.tolist(), alpha)
        assert set(np.flatnonzero(holm(p) <= alpha)) == expected
        decisions.add(len(expected))
    assert len(decisions) > 3


def test_holm_follows_the_order_of_its_input():
    p = np.random.default_rng(0).random(20)
    order = np.random.default_rng(1).permutation(20)
    np.testing.assert_array_equal(holm(p[order]), holm(p)[order])
    assert (holm(p) >= p).all()


@pytest.mark.parametrize(
    "score", [[6, 5, 4, 3, 2, 1], [1, 2, 2, 2, 3, 1], [1, 1, 1, 1, 1, 1], [0.5, 0.25, 0.5, 0.25, 0.5, 0.75]]
)
def test_risk_curve_is_the_mean_over_all_orders(score):
    correct = [True, False, True, True, False, False]
    curves = []
    for order in permutations(range(6)):
        ranked = [not correct[index] for index in sorted(order, key=lambda index: -score[index])]
        curves.append([sum(ranked[:taken]) / taken for taken in range(1, 7)])
    coverage, risk = risk_curve(correct, score)
    assert risk.tolist() == pytest.approx(np.mean(curves, axis=0).tolist())
    assert coverage.tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])


def test_risk_curve_golden():
    assert risk_curve([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6])[1].tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])


def test_risk_curve_depends_on_the_ranks_alone():
    rng = np.random.default_rng(0)
    correct, score = rng.random(50) < 0.7, rng.integers(1, 9, 50)
    order = rng.permutation(50)
    for other in (risk_curve(correct, np.log(score)), risk_curve(correct[order], score[order])):
        np.testing.assert_allclose(other, risk_curve(correct, score), rtol=1e-12)
