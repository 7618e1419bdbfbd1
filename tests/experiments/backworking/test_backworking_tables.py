"""The tables of searches."""

import math

import numpy as np
import pandas as pd
import pytest

from samplerows import search_rows
from spurious.errors import SpuriousError
from spurious.experiments.backworking import searches
from spurious.rates import over_seeds


def test_backworking_golden():
    table = searches.backworking(search_rows())
    design = "classifier seed label search images steps found p_min p_mean p_max reinitialized"
    assert list(table) == design.split()
    mean, largest = pytest.approx(2.4980001 / 3), 0.9990001
    assert table.iloc[0].tolist() == ["cnn", 0, 3, "published", 3, 10, 1, 0.5, mean, largest, 1]
    assert table["found"].tolist() == [1, 1, 3, 3]


def test_found_is_strictly_above_the_argument():
    assert searches.backworking(search_rows(), found_above=0.9995)["found"].tolist() == [0, 0, 2, 2]


def test_backworking_summary_golden():
    (row,) = searches.backworking_summary(search_rows()).to_dict("records")
    found = pd.Series([0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1])  # two searches of three images for each seed
    joined = over_seeds(found, pd.Series(np.repeat([0, 1], 6)), pd.Series(np.repeat([0, 1, 2, 3], 3)))
    assert row == {
        "classifier": "cnn", "search": "published", "images": 12, "found": 8, "share": 8 / 12, "low": joined.low,
        "high": joined.high, "seeds": 2, "found_mean": 4, "found_sd": pytest.approx(math.sqrt(8)), "found_min": 2,
        "found_max": 6, "steps_median": 10.5,
    }  # fmt: skip


def test_a_missing_column_is_named():
    with pytest.raises(SpuriousError, match="backworking rows: the column p is missing"):
        searches.backworking(search_rows().drop(columns="p"))
