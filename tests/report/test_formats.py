"""Tables as pages."""

import numpy as np
import pandas as pd

from spurious.report import formats


def test_markdown_is_compact():
    table = pd.DataFrame({"name": ["a", "b"], "n": [10000, 2], "rate": [0.123456, np.nan], "seed": [0, "all"]})
    assert formats.to_markdown(table).splitlines() == [
        "| name   |     n |   rate | seed   |",
        "|:-------|------:|-------:|:-------|",
        "| a      | 10000 | 0.1235 | 0      |",
        "| b      |     2 |        | all    |",
    ]


def test_a_bar_does_not_end_a_cell_of_markdown():
    table = pd.DataFrame({"name": ["a|b", "||"], "n": [1, 2]})
    assert formats.to_markdown(table).splitlines() == [
        "| name   |   n |",
        "|:-------|----:|",
        r"| a\|b   |   1 |",
        r"| \|\|   |   2 |",
    ]
