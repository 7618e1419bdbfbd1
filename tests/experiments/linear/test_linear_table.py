"""The tables of the linear classifiers against plain recounting, and the bootstrap against a slow one."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from linearsweep import DECAYS, IMAGES, SEEDS, history, predictions, steps, weights
from spurious import frames
from spurious.errors import SpuriousError
from spurious.experiments.linear import comparison, pair_table, regularization, toy
from spurious.experiments.linear.templates import total_variation
from spurious.rates import over_seeds
from spurious.statistics import bootstrap
from spurious.statistics.bootstrap import bootstrap_median, draws, resampled_medians
from spurious.statistics.comparisons import holm
from spurious.statistics.intervals import mean_interval
from spurious.statistics.proportions import wilson

PREDICTIONS, STEPS, WEIGHTS, HISTORY = predictions(), steps(), weights(), history()
TABLE = regularization.linear(PREDICTIONS, STEPS, WEIGHTS, HISTORY)


def test_a_row_per_decay_and_seed_and_one_for_all():
    assert list(TABLE) == regularization.COLUMNS
    assert TABLE["seed"].tolist() == [3, 8, "all"] * 4
    assert TABLE["weight_decay"].tolist() == np.repeat([0, 0.001, 0.1234568, 10], 3).tolist()


@pytest.mark.parametrize(("place", "seed"), list(itertools.product(range(4), SEEDS)))
def test_a_row_equals_plain_recounting(place, seed):
    row = TABLE.iloc[3 * place + SEEDS.index(seed)]
    own = PREDICTIONS[(PREDICTIONS["seed"] == seed) & (PREDICTIONS["weight_decay"] == row["weight_decay"])]
    right = {
        split: [a == b for a, b in zip(g["label"], g["predicted"], strict=True)] for split, g in own.groupby("split")
    }
    assert row["accuracy"] == sum(right["test"]) / 400
    assert row["validation_accuracy"] == sum(right["validation"]) / 400
    assert (row["low"], row["high"]) == wilson(sum(right["test"]), 400)
    assert (row["n"], row["split"], row["steps_n"]) == (400, "test", IMAGES)
    assert math.isnan(row["sd"])
    assert math.isnan(row["train_accuracy"])
    file, template = STEPS[SEEDS.index(seed)], WEIGHTS[SEEDS.index(seed)]["weight"][place]
    for column, name in (("l2", "l2"), ("linf", "linf"), ("linf_smallest", "linf_smallest")):
        assert row[f"{column}_median"] == pytest.approx(np.nanmedian(file[name][place]))
    assert row["right_n"] == file["right"][place].sum() < IMAGES
    whole = {"l2_nearest": np.nanmin(file["l2"][place], 1), "linf_nearest": np.nanmin(file["linf_smallest"][place], 1)}
    for name, sizes in (whole | {name: file[name][place] for name in ("l2_image", "linf_image")}).items():
        assert row[f"{name}_median"] == pytest.approx(
            np.median([s for s, ok in zip(sizes, file["right"][place], strict=True) if ok])
        )
        assert row[f"{name}_low"] < row[f"{name}_median"] < row[f"{name}_high"]
    assert row["l2_low"] < row["l2_median"] < row["l2_high"]
    assert row["linf_low"] < row["linf_median"] < row["linf_high"]
    assert row["total_variation"] == pytest.approx(np.mean([total_variation(own) for own in template]))
    assert row["weight_norm"] == pytest.approx(math.sqrt((template**2).sum()))
    assert row["initial_loss"] == pytest.approx(2.3 + DECAYS[place])
    assert row["loss"] == pytest.approx(1.3 + DECAYS[place])


def test_the_row_of_all_seeds_has_means_and_their_spread():
    first, second, overall = (TABLE.iloc[place] for place in (6, 7, 8))
    for name in ("accuracy", "validation_accuracy", "total_variation", "l2_median", "linf_median", "loss"):
        assert overall[name] == pytest.approx((first[name] + second[name]) / 2), name
    assert overall["sd"] == pytest.approx(np.std([first["accuracy"], second["accuracy"]], ddof=1))
    assert (overall["n"], overall["steps_n"], overall["rubbish_n"], overall["seeds"]) == (800, 2 * IMAGES, 100, 2)
    # t of one degree of freedom at 97.5 %, and the mean interval over the images
    half = 12.7062 * np.std([first["l2_median"], second["l2_median"]], ddof=1) / math.sqrt(2)
    within = (first["l2_high"] + second["l2_high"]) / 2 - overall["l2_median"]
    assert overall["l2_high"] - overall["l2_median"] == pytest.approx(math.hypot(half, within), rel=1e-4)


def test_an_image_that_several_seeds_judge_is_one():
    row = TABLE.iloc[2]
    own = PREDICTIONS[(PREDICTIONS["weight_decay"] == 0) & (PREDICTIONS["split"] == "test")].reset_index(drop=True)
    share = over_seeds(own["predicted"] == own["label"], own["seed"], own["id"])
    assert (row["low"], row["high"]) == pytest.approx((share.low, share.high))


@pytest.mark.parametrize("place", range(4))
def test_the_rates_of_all_seeds_are_at_least_as_uncertain_as_the_seeds_and_the_images(place):
    rows = TABLE.iloc[3 * place : 3 * place + 3]
    overall = rows.iloc[2]
    for rate, prefix, n in (
        ("accuracy", "", 800),
        ("fgsm_error", "fgsm_", 2 * IMAGES),
        ("rubbish_share", "rubbish_", 100),
    ):
        mean, _, *between = mean_interval(rows[rate].iloc[:2])
        low, high = wilson(mean * n, n)  # of so many independent images
        assert overall[rate] == pytest.approx(mean)
        assert overall[f"{prefix}low"] <= min(low, max(between[0], 0)) + 1e-12
        assert overall[f"{prefix}high"] >= max(high, min(between[1], 1)) - 1e-12


def test_without_a_split_test_the_other_one_is_reported_with_train_beside():
    rows = predictions(splits=("train", "mirrored"))
    table = regularization.linear(rows, STEPS, WEIGHTS, HISTORY)
    assert set(table["split"]) == {"mirrored"}
    own = rows[(rows["seed"] == 3) & (rows["weight_decay"] == 0)]
    right = (own["label"] == own["predicted"]).groupby(own["split"]).mean()
    assert table["train_accuracy"].iloc[0] == right["train"]
    assert table["accuracy"].iloc[0] == right["mirrored"]
    assert table["validation_accuracy"].isna().all()


def test_images_that_are_wrong_before_do_not_count_as_nearest():
    """Whatever their steps are, even where that is every image of a weight decay."""
    other = []
    for file in STEPS:
        wrong = ~file["right"]
        moved = {name: np.where(wrong, 1e-6, file[name]) for name in ("l2_image", "linf_image")}
        moved |= {name: np.where(wrong[..., None], 1e-6, file[name]) for name in ("l2", "linf_smallest")}
        other.append({**file, **moved})
    table = regularization.linear(PREDICTIONS, other, WEIGHTS, HISTORY)
    columns = [f"{name}_{value}" for name in regularization.NEAREST for value in ("median", "low", "high")]
    pd.testing.assert_frame_equal(table[columns], TABLE[columns])
    assert (table["l2_median"] < TABLE["l2_median"]).all(), "today's columns count them"
    none = [{**file, "right": np.zeros_like(file["right"])} for file in STEPS]
    table = regularization.linear(PREDICTIONS, none, WEIGHTS, HISTORY)
    assert table[columns].isna().all(axis=None)
    assert (table["right_n"] == 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: regularization.linear(PREDICTIONS.drop(columns="id"), STEPS, WEIGHTS, HISTORY),
            "column id is missing",
        ),
        (lambda: regularization.linear(PREDICTIONS, STEPS[:1], WEIGHTS, HISTORY), "steps: 0 files are of seed 8"),
        (lambda: regularization.linear(PREDICTIONS, STEPS, [*WEIGHTS, WEIGHTS[0]], HISTORY), "weights: 2 files are of"),
        (lambda: frames.held_out(["train", "validation"]), "no split to test on"),
        (lambda: pair_table.pair(PREDICTIONS), "classes, attack, epsilon is missing"),
    ],
)
def test_wrong_inputs_raise_one_clear_line(call, message):
    with pytest.raises(SpuriousError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_held_out_prefers_test():
    assert frames.held_out(["mirrored", "train", "test", "validation"]) == "test"
    assert frames.held_out(["train", "mirrored"]) == "mirrored"


def test_the_best_is_chosen_on_validation_alone():
    assert comparison.best(PREDICTIONS) == 0.001
    rows = PREDICTIONS.copy()
    rows.loc[(rows["split"] == "test") & (rows["weight_decay"] == 0.001), "predicted"] = 9
    assert comparison.best(rows) == 0.001
    rows.loc[(rows["split"] == "validation") & (rows["weight_decay"] == 0.001), "predicted"] = 9
    assert comparison.best(rows) == 0.0
    assert comparison.best(PREDICTIONS[PREDICTIONS["split"] == "test"]) == 0.0
    rows["predicted"] = rows["label"]
    assert comparison.best(rows) == 0.0  # the lower of equals


def test_tests_equal_plain_recounting():
    table = comparison.tests(PREDICTIONS, STEPS)
    assert table["weight_decay"].tolist() == [0, 0.1234568, 10]
    assert (table["against"] == 0.001).all()
    own = PREDICTIONS[(PREDICTIONS["seed"] == 3) & (PREDICTIONS["split"] == "test")]
    right = {decay: (g["label"] == g["predicted"]).tolist() for decay, g in own.groupby("weight_decay")}
    for row in table.itertuples():
        pairs = list(zip(right[row.weight_decay], right[0.001], strict=True))
        lost, gained = pairs.count((False, True)), pairs.count((True, False))
        assert row.accuracy_difference == pytest.approx(100 * (gained - lost) / 400)
        assert row.low < row.accuracy_difference < row.high
        tail = sum(math.comb(gained + lost, k) for k in range(min(gained, lost) + 1)) / 2 ** (gained + lost)
        assert row.mcnemar_p == pytest.approx(min(1, 2 * tail))
        place = [float(f"{decay:.7g}") for decay in DECAYS].index(row.weight_decay)
        for name in ("l2", "linf"):
            ratios = [np.nanmedian(file[name][place]) / np.nanmedian(file[name][1]) for file in STEPS]
            assert getattr(row, f"{name}_ratio") == pytest.approx(math.sqrt(ratios[0] * ratios[1]))
        assert (row.seed, row.n) == (3, 400)
    assert table["p_holm"].tolist() == holm(table["mcnemar_p"]).tolist() != table["mcnemar_p"].tolist()
    assert table["accuracy_verdict"].tolist()[1:] == ["lower", "lower"]


def test_equal_classifiers_are_within_noise():
    rows = PREDICTIONS[PREDICTIONS["weight_decay"] == 0.0]
    same = pd.concat([rows, rows.assign(weight_decay=10.0)])
    table = comparison.tests(same, STEPS)
    assert table["accuracy_verdict"].tolist() == ["within noise"]
    assert table["accuracy_difference"].tolist() == [0]
    assert table["mcnemar_p"].tolist() == [1]


def test_pair_counts_errors():
    rows = []
    for seed, (attack, wrong) in itertools.product(SEEDS, {"none": 1, "fast gradient sign": 9}.items()):
        rows += [(seed, "3, 7", attack, 0.25, image, 3, 7 if image < wrong + seed % 2 else 3) for image in range(10)]
    columns = ["seed", "classes", "attack", "epsilon", "id", "label", "predicted"]
    table = pair_table.pair(pd.DataFrame(rows, columns=columns))
    assert list(table) == ["classes", "attack", "epsilon", "seed", "n", "error", "low", "high", "seeds"]
    assert table["n"].tolist() == [10, 10, 20] * 2
    assert table["seeds"].tolist() == [1, 1, 2] * 2
    assert table["seed"].tolist() == [3, 8, "all"] * 2
    assert table["attack"].tolist() == ["none"] * 3 + ["fast gradient sign"] * 3
    assert table["error"].tolist() == pytest.approx([0.2, 0.1, 0.15, 1.0, 0.9, 0.95])
    assert table[["low", "high"]].iloc[0].tolist() == pytest.approx(wilson(2, 10))
    own = pd.DataFrame(rows, columns=columns).query("attack == 'none'").reset_index(drop=True)
    share = over_seeds(own["predicted"] != own["label"], own["seed"], own["id"])
    assert table[["low", "high"]].iloc[2].tolist() == pytest.approx((share.low, share.high))


def test_the_toy_is_the_write_ups():
    assert toy.toy()["score"].tolist() == [-3, 2]


def slow_medians(values, resampled):
    """Every replicate written out, image by image."""
    medians = []
    for counts in resampled:
        pooled = [value for row, times in zip(values, counts, strict=True) for value in list(row) * times]
        medians.append(np.nanmedian(pooled))
    return np.array(medians)


def clustered(images, classes, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(images, classes)) + spread * rng.normal(size=(images, 1))
    values[np.arange(images), rng.integers(classes, size=images)] = np.nan
    return values


@pytest.mark.parametrize(("images", "classes"), [(1, 3), (2, 2), (7, 4), (40, 3), (41, 10)])
@pytest.mark.parametrize("spread", [0.0, 30.0])
def test_bootstrap_equals_the_slow_one(images, classes, spread):
    values, resampled = clustered(images, classes, spread), draws(images, replicates=60)
    np.testing.assert_array_equal(resampled_medians(values, resampled), slow_medians(values, resampled))


@pytest.mark.parametrize("spreads", [0.0, 0.01, 1.0])
def test_a_window_that_is_too_narrow_is_widened(monkeypatch, spreads):
    values, resampled = clustered(200, 4), draws(200, replicates=50)
    monkeypatch.setattr(bootstrap, "SPREADS", spreads)
    monkeypatch.setattr(bootstrap, "CELLS", 100)
    np.testing.assert_array_equal(resampled_medians(values, resampled), slow_medians(values, resampled))


def test_equal_and_infinite_values_and_missing_ones_of_any_number():
    values = np.array([[1, 1, np.nan], [np.nan, np.nan, 1], [np.inf, np.inf, 2.0], [1, np.nan, np.inf]])
    resampled = draws(4, replicates=80)
    np.testing.assert_array_equal(resampled_medians(values, resampled), slow_medians(values, resampled))


def test_draws_are_with_replacement_and_seeded():
    resampled = draws(50)
    assert resampled.shape == (1000, 50)
    assert (resampled.sum(1) == 50).all()
    assert resampled.var() == pytest.approx(1 - 1 / 50, rel=0.05)
    np.testing.assert_array_equal(resampled, draws(50))
    assert (draws(50, seed=1) != resampled).any()


@pytest.mark.parametrize(("level", "quantiles"), [(0.95, [0.025, 0.975]), (0.8, [0.1, 0.9])])
def test_the_interval_is_between_quantiles_of_the_slow_medians(level, quantiles):
    values, resampled = clustered(30, 4), draws(30, replicates=200)
    expected = np.quantile(slow_medians(values, resampled), quantiles)
    assert bootstrap_median(values, resampled, level) == pytest.approx(tuple(expected), rel=1e-12)
    if level == 0.95:
        assert bootstrap_median(values, resampled) == pytest.approx(tuple(expected), rel=1e-12)


def test_an_end_between_infinite_medians_is_infinite():
    """Of images that no change in [0, 1] brings beyond a border: between inf and inf numpy's quantile is nan."""
    sizes = np.array([1.0, 2, 3, 4, 5, 6, *[np.inf] * 4])[:, None]
    assert bootstrap_median(sizes, draws(10)) == (3.0, np.inf)
    assert bootstrap_median(np.full((10, 1), np.inf), draws(10)) == (np.inf, np.inf)


def test_images_are_drawn_not_pairs():
    """All values of an image alike: its many classes must not make the interval narrower."""
    own = np.random.default_rng(3).normal(size=(100, 1))
    one, many = bootstrap_median(own, draws(100)), bootstrap_median(np.repeat(own, 50, axis=1), draws(100))
    assert one == many


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        low, high = bootstrap_median(clustered(60, 5, seed=seed), draws(60, replicates=200, seed=seed))
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_attacks_are_recounted():
    table = regularization.linear(PREDICTIONS, STEPS, WEIGHTS, HISTORY).set_index(["weight_decay", "seed"])
    for file, (place, decay) in itertools.product(STEPS, enumerate(DECAYS)):
        row = table.loc[(float(f"{decay:.7g}"), file["seed"])]
        wrong = [index for index in range(IMAGES) if file["fgsm_wrong"][place, index]]
        assert row["fgsm_error"] == len(wrong) / IMAGES
        assert (row["fgsm_low"], row["fgsm_high"]) == pytest.approx(wilson(len(wrong), IMAGES))
        assert row["fgsm_confidence"] == pytest.approx(sum(float(file["fgsm_p"][place, i]) for i in wrong) / len(wrong))
        sure = sum(p > 0.5 for p in file["rubbish_p"][place].tolist())
        assert (row["rubbish_n"], row["rubbish_share"]) == (50, sure / 50)
        assert (row["rubbish_low"], row["rubbish_high"]) == pytest.approx(wilson(sure, 50))
    overall = table.loc[(0.0, "all")]
    assert overall["fgsm_error"] == pytest.approx(table.loc[[(0.0, seed) for seed in SEEDS], "fgsm_error"].mean())
    assert 0 <= overall["fgsm_low"] <= overall["fgsm_error"] <= overall["fgsm_high"] <= 1


def test_nothing_wrong_has_no_confidence():
    steps = [{**file, "fgsm_wrong": np.zeros_like(file["fgsm_wrong"])} for file in STEPS]
    table = regularization.linear(PREDICTIONS, steps, WEIGHTS, HISTORY)
    assert (table["fgsm_error"] == 0).all()
    assert table["fgsm_confidence"].isna().all()
