"""The tables of fooling by scores and of transfer, by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from samplerows import by_distances
from spurious.errors import SpuriousError
from spurious.experiments.black_box.curves import success_curves
from spurious.experiments.black_box.table import black_box
from spurious.experiments.transfer import table as transfer_table_module
from spurious.statistics.comparisons import mcnemar_exact
from spurious.statistics.order_statistics import order_statistic_median
from spurious.statistics.proportions import wilson

# --- black box


def search_rows():
    """Four searches by evolution, of which three succeed, and by chance, of which one does."""
    outcomes = {"evolution": [(True, 20), (True, 58), (True, 39), (False, 100)], "random": [(False, 100)] * 4}
    outcomes["random"][0] = (True, 40)
    rows = []
    for search, results in outcomes.items():
        for place, (success, queries) in enumerate(results):
            row = {"classifier": "forest", "seed": 0, "start": "image", "search": search, "id": 10 + place, "target": 3}
            row |= {"success": success, "queries": queries, "flat": 0.1 * place, "p_target": 0.1 * place}
            rows.append(row | {"l2": 1.0 + place, "linf": 0.25, "predicted": 3 if place < 2 else 7})
    return pd.DataFrame(rows)


def predictions():
    rows = [("forest", 0, "test", 1, predicted) for predicted in (1, 1, 1, 0)]
    rows += [("forest", 0, "validation", 1, 0), ("forest", 1, "test", 1, 0), ("cnn", 0, "test", 1, 0)]
    return pd.DataFrame(rows, columns=["classifier", "seed", "split", "label", "predicted"])


def test_an_attack_on_distances_asks_nothing_and_is_no_part_of_the_test():
    table = black_box(by_distances(search_rows(), "forest"), predictions(), {"forest": "100 trees"})
    own = table[table["search"] == "distances"].iloc[0]
    assert (own["n"], own["success"], own["queries_median"], own["queries_all_median"]) == (4, 1, 0, "0")
    assert set(table["mcnemar_p"]) == {0.5}
    assert set(table["described"]) == {"100 trees"}
    assert set(black_box(search_rows(), predictions())["described"]) == {""}


def test_black_box_golden():
    table = black_box(search_rows(), predictions())
    assert len(table) == 2
    evolution, random = table.to_dict("records")
    low, high = wilson(3, 4)
    expected = {"classifier": "forest", "accuracy": 0.75, "start": "image", "search": "evolution", "n": 4}
    expected |= {
        "decided": 0.5,
        "success": 0.75,
        "low": low,
        "high": high,
        "queries_median": 39,
        "queries_all_median": "48.5",
    }
    expected |= {"p_target_median": 0.15, "l2_median": 2.5, "linf_median": 0.25, "flat": 0.15, "mcnemar_p": 0.5}
    for name, value in expected.items():
        assert evolution[name] == (pytest.approx(value) if isinstance(value, float) else value), name
    assert math.isnan(evolution["queries_low"])  # three values have no interval
    assert (random["search"], random["success"], random["queries_median"]) == ("random", 0.25, 40)
    assert random["queries_all_median"] == "> 100"
    assert random["mcnemar_p"] == 0.5  # two that only evolution fools


def test_without_a_success_there_are_no_queries():
    rows = search_rows().assign(success=False)
    table = black_box(rows, predictions())
    assert table["queries_median"].isna().all()
    assert table["success"].tolist() == [0, 0]
    assert table["mcnemar_p"].tolist() == [1, 1]


def test_without_a_control_there_is_no_test():
    rows = search_rows()
    table = black_box(rows[rows["search"] == "evolution"], predictions())
    assert len(table) == 1
    assert table["mcnemar_p"].isna().all()


def test_same_ids_of_other_targets_are_other_pairs():
    """From noise ids are numbers; pairs are found by id, every start by itself."""
    rows = search_rows()
    both = pd.concat([rows, rows.assign(start="noise", success=True)])
    table = black_box(both, predictions())
    assert table["start"].tolist() == ["image", "image", "noise", "noise"]
    assert table["mcnemar_p"].tolist() == [0.5, 0.5, 1, 1]


def test_missing_predictions_and_columns_are_told():
    with pytest.raises(SpuriousError, match=r"^predictions: no row of the split test for forest, seed 0$"):
        black_box(search_rows(), predictions().query("classifier == 'cnn'"))
    with pytest.raises(SpuriousError, match=r"^black box rows: the column queries is missing"):
        black_box(search_rows().drop(columns="queries"), predictions())


@pytest.mark.parametrize("n", [1, 5, 6, 9, 20, 101])
def test_the_interval_of_a_median_has_the_narrowest_ranks_that_cover(n):
    """Of the intervals from the k-th smallest to the k-th largest, by their exact coverage."""
    values = np.random.default_rng(n).permutation(n) + 1.0
    median, low, high = order_statistic_median(values)
    assert median == np.median(values)
    ranks = [k for k in range(1, n // 2 + 1) if binom.cdf(n - k, n, 0.5) - binom.cdf(k - 1, n, 0.5) >= 0.95]
    if not ranks:
        assert math.isnan(low)
        assert math.isnan(high)
        assert n <= 5
    else:
        assert (low, high) == (max(ranks), n + 1 - max(ranks))


def test_the_interval_of_a_median_covers_it():
    draws = np.random.default_rng(0).exponential(size=(2000, 25))
    bounds = np.array([order_statistic_median(row)[1:] for row in draws])
    covered = ((bounds[:, 0] <= np.log(2)) & (np.log(2) <= bounds[:, 1])).mean()
    assert 0.945 < covered < 0.98


def test_curves_count_every_success_once_and_no_failure():
    curves = {key: (list(queries), list(share)) for key, queries, share in success_curves(search_rows())}
    assert curves["forest", "image", "evolution"] == ([1, 20, 39, 58, 100], [0, 0.25, 0.5, 0.75, 0.75])
    assert curves["forest", "image", "random"] == ([1, 40, 100], [0, 0.25, 0.25])
    ((_, queries, share),) = success_curves(search_rows().query("search == 'random' and id > 10"))
    assert (list(queries), list(share)) == ([1, 100], [0, 0])


# --- transfer


def transfer_rows():
    """Two classifiers and three images of label 0; image 2 does not fool the forest."""
    predicted = {
        ("cnn", "cnn"): [1, 2, 1],
        ("cnn", "forest"): [1, 1, 0],
        ("forest", "cnn"): [0, 0, 2],
        ("forest", "forest"): [1, 2, 0],
    }
    control = {"cnn": [0, 0, 0], "forest": [0, 2, 0]}
    rows = []
    for (source, judge), classes in predicted.items():
        for place, found in enumerate(classes):
            row = {"source": source, "source_seed": 0, "judge": judge, "judge_seed": 0, "id": place, "label": 0}
            fooled = predicted[source, source][place] != 0
            row |= {"fooled_source": fooled, "predicted": found, "control_predicted": control[judge][place]}
            row["queries"] = 11
            rows.append(row)
    return pd.DataFrame(rows)


def test_transfer_golden():
    table = transfer_table_module.transfer(transfer_rows()).set_index(["source", "judge"])
    row = table.loc["cnn, seed 0", "forest, seed 0"]
    assert (row["images"], row["n"]) == (3, 3)
    assert (row["fooled"], row["low"], row["high"]) == (pytest.approx(2 / 3), *wilson(2, 3))
    assert (row["chance"], row["chance_low"], row["chance_high"]) == (pytest.approx(1 / 3), *wilson(1, 3))
    assert row["same_wrong_label"] == 0.5  # 1 as the source says, and 1 where it says 2
    assert row["mcnemar_p"] == mcnemar_exact(1, 0)
    row = table.loc["forest, seed 0", "cnn, seed 0"]
    assert (row["images"], row["n"], row["fooled"]) == (3, 2, 0)  # the third image does not count
    assert math.isnan(row["same_wrong_label"])
    assert table.loc["forest, seed 0", "forest, seed 0"]["chance"] == 0.5
    own = [table.loc[name, name] for name in ("cnn, seed 0", "forest, seed 0")]
    assert [row["fooled"] for row in own] == [1, 1]
    assert [row["same_wrong_label"] for row in own] == [1, 1]


def test_seeds_of_a_classifier_are_classifiers_of_their_own():
    rows = transfer_rows()
    rows["judge_seed"] = rows["judge"].map({"cnn": 0, "forest": 4})
    rows["source_seed"] = rows["source"].map({"cnn": 0, "forest": 4})
    rows = rows.replace({"forest": "cnn"})
    table = transfer_table_module.transfer(rows)
    assert table["source"].tolist() == ["cnn, seed 0", "cnn, seed 0", "cnn, seed 4", "cnn, seed 4"]
    assert table["fooled"].tolist() == pytest.approx([1, 2 / 3, 0, 1])


def test_a_source_that_fools_nothing_leaves_empty_rates():
    rows = transfer_rows()
    rows.loc[rows["source"] == "forest", ["fooled_source", "predicted"]] = [False, 0]
    table = transfer_table_module.transfer(rows).set_index("source").loc["forest, seed 0"]
    assert table["n"].tolist() == [0, 0]
    assert table[["fooled", "low", "high", "chance", "same_wrong_label"]].isna().all(axis=None)


def test_chance_is_over_all_images_once_for_each_judge():
    shares = transfer_table_module.chance(transfer_rows())
    assert shares.to_dict() == {"cnn, seed 0": 0, "forest, seed 0": pytest.approx(1 / 3)}


def test_missing_columns_are_told():
    with pytest.raises(SpuriousError, match=r"^transfer rows: the column control_predicted is missing"):
        transfer_table_module.transfer(transfer_rows().drop(columns="control_predicted"))
