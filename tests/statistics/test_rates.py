"""What decides the interval of a rate is one function: nobody else names the method, and every table follows it."""

import ast
import inspect

import numpy as np
import pandas as pd
import pytest

import linearsweep
from making import entry
from pipeline.files.results import function_of
from simulating import Case, coverage
from sourcecode import imported, modules
from spurious import rates
from spurious.statistics.clusters import effective_size
from spurious.statistics.intervals import mean_interval, paired_interval
from spurious.statistics.proportions import wilson
from tableinputs import INPUTS

METHOD = "spurious.statistics.proportions.wilson"
LOW, HIGH = -2.0, 7.0  # bounds that no method gives
NO_RATES = {"accuracy_difference", "found_difference", "queries", "l2", "linf"}  # differences and medians
MEDIANS = {"linear-confident"}  # whose plain bounds are those of a median
NO_RATES |= {"l2_nearest", "linf_nearest", "l2_image", "linf_image", "gain", "ratio", "ns_gain", "ss_gain", "ds_gain"}
PAIR = {"seed": 0, "classes": "0, 1", "attack": "none", "epsilon": 0.25, "id": [0, 1, 2], "label": [0, 0, 1]}
PAIR |= {"predicted": [0, 1, 1]}
TABLES = {
    **INPUTS,
    "linear": {
        key: lambda key=key: getattr(linearsweep, key)() for key in ("predictions", "steps", "weights", "history")
    },
    "linear-confident": {"steps": linearsweep.steps},
    "linear-pair": {"rows": lambda: pd.DataFrame(PAIR)},
}
# have no row of a single seed: such bounds are cut to [0, 1]
OVER_SEEDS = {"backworking-summary", "backworking-ablation"} | {
    f"retraining-{name}" for name in ("strong", "noise", "judges")
}
WITHOUT = {"backworking", "retraining-summary", "smoothing-tests", "images-excluded", "robustness-checks"}
WITHOUT |= {"robustness-gain", "map-elites"}  # have no interval of a rate


def naming_a_method(sources):
    """The modules that import the function of an interval of proportions."""
    return {module for module, source in sources.items() if METHOD in imported(ast.parse(source))}


def test_one_module_names_the_method():
    """Beside it only the note in the logs of trainings, which is in no result."""
    assert naming_a_method(modules()) == {"spurious.rates", "spurious.statistics.chance"}


def test_another_caller_is_noticed():
    own = {"spurious.experiments.linear.figure": "def late():\n    from spurious.statistics.proportions import wilson"}
    assert naming_a_method(own) == set(own)


def another(successes, n):
    """The interval of another method."""
    shape = np.broadcast(successes, n).shape
    return np.full(shape, LOW)[()], np.full(shape, HIGH)[()]


def bounds(name):
    """Every bound of a rate that the table has, {column: values}; those over seeds tell how the seeds differ."""
    function = function_of(entry("table", name).function)
    given = [make() for make in TABLES[name].values()]
    keywords = inspect.signature(function).parameters
    others = {key: value for key, value in {"classes": 10, "radii": [0.0, 0.25]}.items() if key in keywords}
    table = function(**dict(zip(keywords, given, strict=False)), **others)
    own = table[table["seed"] != "all"] if "seed" in table else table
    columns = [column for column in own if column.rpartition("_")[2] in ("low", "high")]
    no_rates = NO_RATES | {""} if name in MEDIANS else NO_RATES
    return {column: own[column].dropna() for column in columns if column.rpartition("_")[0] not in no_rates}


@pytest.mark.parametrize("name", sorted(TABLES.keys() - WITHOUT))
def test_every_interval_of_a_table_is_that_of_the_method(name, monkeypatch):
    monkeypatch.setattr(rates, "wilson", another)
    found = bounds(name)
    assert found
    for column, values in found.items():
        assert len(values), column
        low, high = (0, 1) if name in OVER_SEEDS else (LOW, HIGH)
        assert set(values) == {low if column.endswith("low") else high}, column


def test_bounds_are_wilsons():
    np.testing.assert_array_equal(rates.interval([1, 9], 10), wilson([1, 9], 10))


def judged(outcomes):
    """`over_seeds` of outcomes (seeds, images), where all seeds judge the same images."""
    outcomes = np.asarray(outcomes)
    seeds, images = np.indices(outcomes.shape)
    return rates.over_seeds(*(pd.Series(own.ravel()) for own in (outcomes, seeds, images)))


def test_one_seed_has_wilsons_interval():
    found = judged([[1, 0, 1, 1, 1, 0, 1]])
    assert (found.rate, found.n, found.seeds) == (pytest.approx(5 / 7), 7, 1)
    assert (found.low, found.high) == pytest.approx(wilson(5, 7), rel=1e-12)
    assert np.isnan(found.sd)


@pytest.mark.parametrize("outcome", [0, 1])
def test_seeds_that_agree_leave_the_uncertainty_of_the_images(outcome):
    """Not [1, 1]: three seeds on four hundred images are not more than four hundred images."""
    found = judged(np.full((3, 400), outcome))
    assert (found.low, found.high) == pytest.approx(wilson(400 * outcome, 400), rel=1e-12)
    assert (found.n, found.seeds, found.sd) == (1200, 3, 0)


def test_the_interval_is_as_wide_as_each_of_both_and_a_rate():
    outcomes = np.arange(400) < np.array([[240], [250], [263]])
    found = judged(outcomes)
    mean, sd, *between = mean_interval(outcomes.mean(1))
    assert (found.rate, found.sd) == pytest.approx((mean, sd))
    within = wilson(mean * 400, 400)  # nearly the same images are right for all seeds
    assert found.low == pytest.approx(mean - np.hypot(mean - between[0], mean - within[0]), abs=2e-3)
    assert found.high == pytest.approx(mean + np.hypot(between[1] - mean, within[1] - mean), abs=2e-3)
    two = judged([[1] * 8 + [0] * 2, [1] * 2 + [0] * 8])
    assert (two.low, two.high) == (0, 1), "t of two seeds alone is no rate"


def test_the_order_of_outcomes_and_the_names_of_clusters_do_not_matter():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"hit": rng.random(90) < 0.7, "seed": np.repeat(range(3), 30), "image": [*range(30)] * 3})
    renamed = frame.assign(image="n" + frame["image"].astype(str)).sample(frac=1, random_state=1)
    first, second = (rates.over_seeds(own["hit"], own["seed"], own["image"]) for own in (frame, renamed))
    assert (first.low, first.high, first.rate) == pytest.approx((second.low, second.high, second.rate), rel=1e-12)


def test_an_infinite_end_stays_infinite_and_a_missing_one_counts_for_nothing():
    """A median over targets that were not all reached has no upper bound; as a number it was 1.8e308."""
    nan = np.nan
    assert rates.combined(1.0, (nan, nan), (0.5, np.inf)) == (0.5, np.inf)
    assert rates.combined(1.0, (0.6, 1.3), (0.7, np.inf)) == pytest.approx((0.5, np.inf))
    assert np.isnan(rates.combined(1.0, (nan, nan), (nan, nan))).all()


def test_seeds_that_share_too_few_images_have_no_interval_over_these():
    """Three seeds that agree on two images would tell of every image by the spread of the seeds alone."""
    nan = np.nan
    assert np.isnan(rates.combined(1.0, (0.9, 1.1), (nan, nan))).all()
    assert np.array_equal(rates.combined(1.0, (0.9, 1.1), (0.5, nan)), (1 - np.hypot(0.1, 0.5), nan), equal_nan=True)
    assert np.array_equal(rates.mean_over_seeds([1, 2, 3], [0, 1, nan], [2, 3, nan]), (2, nan, nan), equal_nan=True)
    assert np.array_equal(rates.mean_over_seeds([np.inf], [nan], [nan]), (np.inf, nan, nan), equal_nan=True)


def test_a_number_over_the_seeds_holds_their_spread_and_that_of_the_images():
    mean, low, high = rates.mean_over_seeds([1.0, 2.0, 3.0], [0.5, 1.0, 1.5], [2.0, 3.0, 4.0])
    seeds = 4.302653 / np.sqrt(3)  # t of two degrees of freedom, by a table
    assert (mean, low, high) == pytest.approx((2, 2 - np.hypot(seeds, 1), 2 + np.hypot(seeds, 1)))
    assert rates.mean_over_seeds([1.0, np.inf], [0.5, 0.75], [2.0, np.inf]) == (np.inf, 0.5, np.inf)


def test_no_outcome_has_no_interval():
    found = rates.over_seeds(*(pd.Series([], dtype=kind) for kind in (bool, int, int)))
    assert np.isnan([found.rate, found.low, found.high]).all()
    assert (found.n, found.seeds) == (0, 0)


def test_the_effective_size_by_hand():
    assert effective_size([1, 0, 1], [0, 1, 2]) == pytest.approx(3)
    # four clusters of two equal outcomes are four outcomes, of which t has three degrees of freedom
    own = effective_size([1, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 2, 2, 3, 3])
    assert own == pytest.approx(8 / (2 * 4 / 3 * 7 / 8) * (1.959964 / 3.182446) ** 2, rel=1e-6)
    assert effective_size([1, 1, 1, 1], [0, 0, 1, 1]) == pytest.approx(2)
    assert effective_size([1, 0, 1], [0, 1, 2], [2, 1, 1]) == pytest.approx(16 / 6)


def slow_size(outcomes, clusters, replicates, rng):
    """p (1 - p) over the variance of the mean of resampled clusters, without the factor for few of them."""
    groups = [outcomes[clusters == name] for name in np.unique(clusters)]
    means = [
        np.concatenate([groups[place] for place in rng.integers(len(groups), size=len(groups))]).mean()
        for _ in range(replicates)
    ]
    return outcomes.mean() * (1 - outcomes.mean()) / np.var(means)


def test_the_effective_size_is_that_of_a_cluster_bootstrap():
    rng = np.random.default_rng(0)
    clusters = np.repeat(range(200), 4)
    outcomes = (rng.normal(size=200)[clusters] + rng.normal(size=800) > -0.7).astype(float)
    own = effective_size(outcomes, clusters)
    assert 200 < own < 600
    assert own == pytest.approx(slow_size(outcomes, clusters, 2000, rng), rel=0.1)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("design", "images", "rate"), [("images", 400, 0.9), ("images", 400, 0.999), ("searches", 80, 0.8)]
)
def test_the_interval_covers_the_rate(design, images, rate, seeds):
    """A few hundred draws; the long simulation is tests/benchmarks/coverage_of_rates.py."""
    case = Case(design=design, images=images, seeds=seeds, rate=rate, seed_sd=0.2, image_sd=1.0, label_sd=0.5)
    assert coverage(case, draws=200, seed=1)["coverage"] > 0.93 - 2 * 0.018


def test_wilsons_interval_of_all_images_does_not_cover_the_rate_of_searches():
    case = Case(design="searches", images=80, seeds=3, rate=0.8, seed_sd=0.2, image_sd=1.0, label_sd=0.5)
    assert coverage(case, draws=200, seed=1)["wilson"] < 0.8


def test_a_difference_over_seeds_has_the_uncertainty_of_its_clusters():
    """Three seeds judge 20 images alike: they are worth little more than 20 images, not 60."""
    changes = pd.Series([1] * 4 + [-1] + [0] * 15)
    own = pd.concat([changes] * 3, ignore_index=True)
    seeds, ids = pd.Series(np.repeat(range(3), 20)), pd.Series([*range(20)] * 3)
    size = effective_size(own, ids)
    assert size < 25
    expected = (0.15, *paired_interval(0.2 * size, 0.05 * size, size))
    assert rates.difference_over_seeds(own, seeds, ids) == pytest.approx(expected)


def test_a_paired_difference_and_its_interval_lie_within_one():
    for changes in ([-1] * 25, [1] * 25, [-1] * 24 + [0]):
        difference, low, high = rates.difference_of_images(pd.Series(changes))
        assert -1 <= low <= difference <= high <= 1
