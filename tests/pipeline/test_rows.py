"""Rows are read from files."""

import numpy as np
import pandas as pd
import pytest

from pipeline.files.rows import read_rows
from spurious.errors import SpuriousError


def test_every_float_is_read_to_its_last_bit(tmp_path):
    p = np.random.default_rng(0).random(1000)
    pd.DataFrame({"p": p}).to_csv(tmp_path / "p.csv", index=False)
    np.testing.assert_array_equal(read_rows([tmp_path / "p.csv"])["p"], p)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(SpuriousError, match=r"none\.csv: not a readable CSV file"):
        read_rows([tmp_path / "none.csv"])
