"""Headings of tables say what their columns mean, and pages what they were computed by."""

import re
from pathlib import Path

import pandas as pd
import pytest

from spurious.report import formats
from spurious.report.columns import COMMON, OF_TABLE, explanation

MEASURED = sorted(
    path for path in (Path(__file__).parents[2] / "docs/measured").glob("*/*.csv") if path.stem in OF_TABLE
)


@pytest.mark.parametrize("path", MEASURED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_column_of_the_widest_tables_is_explained(path):
    columns = list(pd.read_csv(path, nrows=0))
    assert [column for column in columns if not explanation(path.stem, column)] == []
    assert OF_TABLE[path.stem].keys() <= {*columns}


def test_an_interval_is_explained_by_its_number():
    assert explanation("claims", "low") == "lower end of the 95 % interval of the column before"
    assert explanation("robustness", "clean_correct_high") == "upper end of the 95 % interval of clean_correct"
    assert explanation("robustness", "below") == explanation("none", "x") == ""
    assert explanation("none", "n") == COMMON["n"]


def test_a_heading_explains_itself_and_a_page_names_what_made_it():
    table = pd.DataFrame({"n": [1], "x_y": [0.5]})
    origin = formats.Origin(function="a.b:c", files=["results/d/x.csv", "/elsewhere/y<.csv", *"pqrs"])
    page = formats.to_html(table, "name", origin)
    assert f'<th title="{COMMON["n"]}">n</th>' in page
    assert "<th>x_<wbr>y</th>" in page
    (line,) = re.findall('<p class="origin">(.*)</p>', page)
    assert re.sub("<[^>]*>", "", line) == "Computed by a.b:c from results/d/x.csv, y&lt;.csv, p, q and 2 more files."
    assert 'class="origin"' not in formats.to_html(table, "name")
    assert "Computed by <code>a.b:c</code>." in formats.to_html(
        table, "name", formats.Origin(function="a.b:c", files=[])
    )
