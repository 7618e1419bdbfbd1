"""The tables of fooling, by hand."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from samplerows import FOOLED_IMAGES, fooling_rows
from spurious.errors import SpuriousError
from spurious.experiments.fooling.rubbish import rubbish
from spurious.experiments.fooling.success import COLUMNS, fooling
from spurious.rates import over_seeds
from spurious.statistics.intervals import mean_interval
from spurious.statistics.proportions import wilson
from spurious.writeups.goodfellow import goodfellow

# label, target, before, after, p, l2, linf, control


def first(table):
    return table.iloc[0]


@pytest.mark.parametrize(
    ("method", "n", "success", "control", "confidence", "error"),
    [
        ("away", 4, 3, 1, (0.9 + 0.7 + 0.5) / 3, 4),
        ("towards", 4, 2, 1, (0.9 + 0.5) / 2, 4),
        ("noise", 5, 3, 2, (0.9 + 0.5 + 0.8) / 3, None),
    ],
)
def test_rates_by_hand(method, n, success, control, confidence, error):
    row = first(fooling(fooling_rows(method)))
    assert row["n"] == n
    assert (row["success"], row["control"]) == pytest.approx((success / n, control / n))
    assert (row["low"], row["high"]) == pytest.approx(wilson(success, n))
    assert (row["control_low"], row["control_high"]) == pytest.approx(wilson(control, n))
    assert row["confidence"] == pytest.approx(confidence)
    assert row["l2_median"] == (3.0 if method == "noise" else 2.5)
    if error is None:
        assert row["error_n"] == 0
        assert math.isnan(row["error"])
    else:
        assert (row["error_n"], row["error"]) == (5, error / 5)
        assert (row["error_low"], row["error_high"]) == pytest.approx(wilson(error, 5))
        assert row["error_confidence"] == pytest.approx((0.9 + 0.7 + 0.5 + 0.8) / 4)


def test_images_that_were_wrong_before_are_no_success():
    untouched = [(label, target, label, label, p, 0.0, 0.0, label) for label, target, _, _, p, *_ in FOOLED_IMAGES]
    spoilt = [(1, 2, 2, 2, 0.9, 0.0, 0.0, 2)]
    for method in ("away", "towards"):
        table = fooling(fooling_rows(method, images=untouched + spoilt))
        assert (table["success"] == 0).all()
        assert (table["n"] == 5).all()
        assert math.isnan(first(table)["confidence"])


def test_seeds_are_rows_and_one_row_joins_them():
    better = [(1, 2, 1, 2, 0.9, 1.0, 0.1, 1)]
    table = fooling(
        pd.concat([fooling_rows(seed=4), fooling_rows(seed=2, images=better), fooling_rows("towards", seed=4)])
    )
    assert list(table) == COLUMNS
    assert table["seed"].tolist() == [4, 2, "all", 4, "all"]
    assert table["method"].tolist() == ["away"] * 3 + ["towards"] * 2
    joined = table.iloc[2]
    mean, sd, low, high = mean_interval([0.75, 1.0])
    assert low < 0 < 1 < high, "no share: such bounds are cut"
    assert (joined["success"], joined["sd"], joined["low"], joined["high"]) == pytest.approx((mean, sd, 0, 1))
    assert table["seeds"].tolist() == [1, 1, 2, 1, 1]
    assert (joined["n"], joined["error_n"]) == (5, 6)
    assert joined["confidence"] == pytest.approx((0.7 + 0.9) / 2)
    assert table["sd"].isna().tolist() == [True, True, False, True, True]


def test_the_order_of_images_does_not_matter():
    table = fooling(fooling_rows().sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(table, fooling(fooling_rows()))


def test_a_missing_column_is_told():
    with pytest.raises(SpuriousError, match="fooling rows: the column p is missing"):
        fooling(fooling_rows().drop(columns="p"))
    with pytest.raises(SpuriousError, match="rubbish rows: the column id, p is missing"):
        rubbish(pd.DataFrame({"classifier": [], "kind": [], "seed": []}))


NOISE = pd.DataFrame(
    {
        "classifier": "softmax",
        "seed": [0, 0, 0, 0, 1, 1, 0],
        "kind": ["normal"] * 6 + ["test images"],
        "id": [0, 1, 2, 3, 0, 1, 0],
        "p": [0.5, 0.6, 0.9, 0.2, 0.9, 0.8, 0.99],
    }
)


def test_rubbish_counts_what_exceeds_a_half():
    table = rubbish(NOISE)
    assert table[["kind", "seed", "n", "share_above"]].to_numpy().tolist() == [
        ["normal", 0, 4, 0.5],
        ["normal", 1, 2, 1.0],
        ["normal", "all", 6, 0.75],
        ["test images", 0, 1, 1.0],
        ["test images", "all", 1, 1.0],
    ]
    assert (table.loc[0, "low"], table.loc[0, "high"]) == pytest.approx(wilson(2, 4))
    assert table.loc[2, "sd"] == pytest.approx(mean_interval([0.5, 1.0])[1])
    assert table["seeds"].tolist() == [1, 1, 2, 1, 1]


@pytest.mark.parametrize(("kind", "independent"), [("normal", True), ("test images", False)])
def test_the_seeds_share_test_images_and_draw_their_own_noise(kind, independent):
    """Three seeds judge twenty inputs alike: of noise these are 60 outcomes, of images 20."""
    ids, seeds = np.tile(range(20), 3), np.repeat(range(3), 20)
    table = rubbish(pd.DataFrame({"classifier": "cnn", "kind": kind, "seed": seeds, "id": ids, "p": ids / 20}))
    joined = table.iloc[-1]
    low, high = wilson(*((27, 60) if independent else (9, 20)))
    assert (joined["n"], joined["share_above"]) == (60, pytest.approx(9 / 20))
    assert (joined["low"], joined["high"]) == pytest.approx((low, high), abs=1e-12 if independent else 0.02)


def test_a_method_from_noise_has_each_seeds_own_inputs():
    table = fooling(pd.concat([fooling_rows("noise", seed=seed) for seed in range(3)]))
    joined = table.iloc[-1]
    assert (joined["low"], joined["high"]) == pytest.approx(wilson(9, 15))
    shared = fooling(pd.concat([fooling_rows("towards", seed=seed) for seed in range(3)])).iloc[-1]
    assert shared["high"] - shared["low"] > wilson(6, 12)[1] - wilson(6, 12)[0]


def test_goodfellow_takes_all_seeds_of_the_unclamped_method():
    table = goodfellow(
        pd.concat([fooling_rows(), fooling_rows("fgsm-unclamped"), fooling_rows("fgsm-unclamped", seed=1)]),
        NOISE,
        "maxout",
    )
    assert list(table) == ["source", "quantity", "setting", "reproduced", "low", "high", "n"]
    error, confidence, share, of_noise, unchanged = (row for _, row in table.iterrows())
    assert (error["quantity"], error["reproduced"], error["n"]) == ("error rate", 0.8, 10)
    shared = over_seeds(pd.Series([1, 1, 1, 0, 1] * 2), pd.Series([0] * 5 + [1] * 5), pd.Series([*range(5)] * 2))
    assert (error["low"], error["high"]) == pytest.approx((shared.low, shared.high))
    mean, _, low, high = mean_interval([0.9, 0.7, 0.5, 0.8])  # of both seeds, which are alike
    assert (confidence["quantity"], confidence["n"]) == ("mean confidence", 8)
    assert (confidence["reproduced"], confidence["low"], confidence["high"]) == pytest.approx((mean, low, high))
    assert (share["quantity"], share["reproduced"]) == ("share of rubbish inputs with p > 0.5", 0.75)
    sure = "MNIST, maxout, N(0, I) inputs with p > 0.5"
    assert (of_noise["quantity"], of_noise["setting"], of_noise["n"]) == ("mean confidence", sure, 4)
    assert of_noise["reproduced"] == pytest.approx(((0.6 + 0.9) / 2 + (0.9 + 0.8) / 2) / 2)
    assert (unchanged["setting"], unchanged["reproduced"], unchanged["n"]) == ("MNIST, maxout, no attack", 0.99, 1)
    assert goodfellow(fooling_rows(), NOISE.iloc[:0], "maxout").empty


def test_the_tables_need_no_torch(pytestconfig):
    code = "import sys; from spurious.experiments.fooling import rubbish, success; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=pytestconfig.rootpath / "scripts", check=True)
