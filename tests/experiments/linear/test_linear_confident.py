"""The table of how large a change makes linear classifiers sure, against plain recounting."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from linearsweep import DECAYS, IMAGES, SEEDS, steps
from spurious.experiments.linear.confident import COLUMNS, confident
from spurious.statistics.intervals import mean_interval
from spurious.statistics.proportions import wilson
from spurious.writeups.claims_linear import weak_invisible
from spurious.writeups.judging import CONTRADICTED, SUPPORTED

STEPS = steps()
TABLE = confident(STEPS)


def test_a_row_per_decay_and_seed_and_one_for_all():
    assert list(TABLE) == COLUMNS
    assert TABLE["seed"].tolist() == [3, 8, "all"] * 4
    assert TABLE["weight_decay"].tolist() == np.repeat([0, 0.001, 0.1234568, 10], 3).tolist()
    pd.testing.assert_frame_equal(confident(STEPS[::-1]), TABLE)


def own_sizes(file, place, name="linf"):
    """Those of the images that are right before, by a loop."""
    return [float(file[f"confident_{name}"][place, i]) for i in range(IMAGES) if file["right"][place, i]]


def covering(n):
    """The largest k for which the k-th smallest and k-th largest of n values hold the median with 95 %."""
    tails = [2 * sum(math.comb(n, j) for j in range(k)) / 2**n for k in range(1, n // 2 + 1)]
    return max((k for k, tail in enumerate(tails, 1) if tail <= 0.05), default=0)


@pytest.mark.parametrize(("place", "seed"), list(itertools.product(range(4), SEEDS)))
def test_a_row_equals_plain_recounting(place, seed):
    row, file = TABLE.iloc[3 * place + SEEDS.index(seed)], STEPS[SEEDS.index(seed)]
    sizes, n = sorted(own_sizes(file, place)), row["n"]
    assert n == len(sizes) == file["right"][place].sum() < IMAGES
    reached = sum(size < math.inf for size in sizes)
    assert row["reached"] == pytest.approx(reached / n)
    assert (row["reached_low"], row["reached_high"]) == pytest.approx(wilson(reached, n))
    assert row["linf_median"] == pytest.approx((sizes[(n - 1) // 2] + sizes[n // 2]) / 2)
    assert row["levels_median"] == pytest.approx(255 * row["linf_median"])
    assert (row["low"], row["high"]) == (sizes[covering(n) - 1], sizes[-covering(n)])
    assert row["least_median"] == pytest.approx(np.median(own_sizes(file, place, "least")))
    assert row["seeds"] == 1


def test_where_fewer_than_half_are_reached_the_median_is_infinite():
    strongest = TABLE[TABLE["weight_decay"] == DECAYS[-1]]
    assert (strongest["reached"] < 0.5).all()
    assert np.isinf(strongest[["linf_median", "high"]]).all(axis=None)
    assert strongest["low"].notna().all()
    others = TABLE[TABLE["weight_decay"] < DECAYS[-1]]
    assert np.isfinite(others[["linf_median", "low"]]).all(axis=None)


def test_the_row_of_all_seeds_holds_seeds_and_images():
    first, second, overall = (TABLE.iloc[place] for place in (0, 1, 2))
    assert overall["linf_median"] == pytest.approx((first["linf_median"] + second["linf_median"]) / 2)
    assert (overall["n"], overall["seeds"]) == (first["n"] + second["n"], 2)
    assert overall["reached"] == pytest.approx((first["reached"] + second["reached"]) / 2)
    _, _, low, high = mean_interval([first["linf_median"], second["linf_median"]])
    assert overall["low"] <= min(low, (first["low"] + second["low"]) / 2)
    assert overall["high"] >= max(high, (first["high"] + second["high"]) / 2)
    strongest = TABLE.iloc[9:]
    assert strongest["low"].iloc[2] == strongest["low"].iloc[:2].min()


def test_images_that_are_wrong_before_do_not_count():
    moved = [{**file, "confident_linf": np.where(file["right"], file["confident_linf"], 0)} for file in STEPS]
    pd.testing.assert_frame_equal(confident(moved), TABLE)
    none = confident([{**file, "right": np.zeros_like(file["right"])} for file in STEPS])
    assert none["n"].eq(0).all()
    assert none[["linf_median", "low", "high", "reached", "least_median"]].isna().all(axis=None)


@pytest.mark.parametrize(("scale", "verdict"), [(1e-3, SUPPORTED), (10.0, CONTRADICTED)])
def test_the_claim_is_decided_by_this_table(scale, verdict):
    scaled = [{**file, "confident_linf": scale * file["confident_linf"]} for file in STEPS[:1]]
    found = weak_invisible(confident(scaled))
    assert found.verdict == verdict
    assert found.measured.endswith("at a weight decay of 0")
    assert found.low < found.value < found.high
