"""Headings of tables say what their columns mean, and pages what they were computed by."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from making import ROOMS
from pipeline.files.results import function_of
from samplerows import predictions
from spurious.report import formats
from spurious.report.columns import explanation, intervals
from spurious.report.headings import COMMON, OF_TABLE, OF_VIEW
from tableinputs import INPUTS, SETTINGS

MEASURED = Path(__file__).parents[2] / "docs/measured"
TABLES = {result.name: result for room in ROOMS.values() for result in room.RESULTS if result.kind == "table"}


def trainings():
    """The inputs of the table `training`, which takes a list of files."""
    history = pd.DataFrame({"step": [1, 2], "validation_accuracy": [0.5, 0.6]})
    return {"histories": [history], "predictions": [predictions()]}


def made(name):
    """The table of sample rows; None where only whole files make it."""
    inputs = {keyword: rows() for keyword, rows in INPUTS.get(name, {}).items()}
    inputs |= trainings() if name == "training" else {}
    if inputs.keys() < TABLES[name].inputs.keys():
        return None
    return function_of(TABLES[name].function)(**inputs, **SETTINGS.get(name, {}))


def headings(name):
    """The columns of a table, of all datasets where it was measured and of sample rows, without ends of intervals."""
    kept = [pd.read_csv(path, nrows=0) for path in sorted(MEASURED.glob(f"*/{name}.csv"))]
    tables = [list(table) for table in (*kept, made(name)) if table is not None]
    bounds = {bound for columns in tables for pair in intervals(columns).values() for bound in pair}
    return {column for columns in tables for column in columns} - bounds


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_every_table_is_explained(name):
    columns = headings(name)
    assert columns
    assert sorted(column for column in columns if not explanation(name, column)) == []
    assert OF_TABLE.get(name, {}).keys() <= columns


def test_no_explanation_is_of_a_table_that_nobody_makes_or_repeats_the_common_one():
    assert OF_TABLE.keys() <= TABLES.keys()
    assert [key for own in OF_TABLE.values() for key, text in own.items() if COMMON.get(key) == text] == []


@pytest.mark.parametrize("heading", OF_VIEW)
def test_a_column_of_a_view_names_it(heading):
    assert "ns (not blurred)" in explanation("smoothing-risk", heading.format("ns"))
    assert "view median" in explanation("smoothing", heading.format("median"))
    assert explanation("robustness", heading.format("ns")) == ""


def test_a_column_that_nobody_knows_has_no_explanation():
    assert explanation("robustness", "below") == explanation("none", "value") == ""
    assert explanation("none", "n") == COMMON["n"] != explanation("claims", "n")


def test_a_heading_explains_itself_and_a_page_names_what_made_it():
    table = pd.DataFrame({"n": [1], "x_y": [0.5]})
    origin = formats.Origin(function="a.b:c", files=["results/d/x.csv", "y<.csv", *"pqrs"])
    page = formats.to_html(table, "name", origin)
    assert f'<th title="{COMMON["n"]}">n</th>' in page
    assert "<th>x_<wbr>y</th>" in page
    (line,) = re.findall('<p class="origin">(.*)</p>', page)
    assert re.sub("<[^>]*>", "", line) == "Computed by a.b:c from results/d/x.csv, y&lt;.csv, p, q and 2 more files."
    assert 'class="origin"' not in formats.to_html(table, "name")
    assert "Computed by <code>a.b:c</code>." in formats.to_html(
        table, "name", formats.Origin(function="a.b:c", files=[])
    )


def test_a_long_text_may_take_several_lines():
    page = formats.to_html(pd.DataFrame({"classifier": ["cnn"], "measured": ["word " * 9]}), "name")
    assert re.findall(r"td\):nth-child\((\d)\) {[^}]*white-space: normal", page) == ["2"]


def test_a_number_and_its_interval_are_one_cell():
    table = pd.DataFrame({"classifier": ["cnn", "cnn"], "found_n": 9, "found_share": [0.51234, 0.5]})
    table = table.assign(found_low=[0.4, None], found_high=[0.6, None], p=[1.0, None])
    page = formats.to_html(table, "name")
    assert re.findall("<td>(.*)</td>", page) == ["cnn", "9", "0.5123 [0.4,\u00a00.6]", "1", "cnn", "9", "0.5", ""]
    assert 'title="in brackets its 95 % interval, found_low and found_high of the CSV file"' in page
    assert re.findall(r"nth-child\((\d)\) { ([a-z-]*)", page) == [("1", "text-align"), ("3", "white-space")]


def test_a_name_that_begins_with_another_does_not_take_its_interval():
    rates = ["acc_median5", "acc_median", "acc_ns"]
    bounds = {name: (f"{name}_low", f"{name}_high") for name in rates}
    assert intervals([*rates, *(end for ends in bounds.values() for end in ends)]) == bounds


def test_an_end_of_an_interval_that_is_not_known_is_said():
    table = pd.DataFrame({"l2_median": [0.1, 0.2], "l2_low": [0.05, None], "l2_high": [None, math.inf]})
    assert re.findall("<td>(.*)</td>", formats.to_html(table, "name")) == ["0.1 [0.05,\u00a0?]", "0.2 [?,\u00a0inf]"]


def wide(columns):
    """A table of two rows that its first two columns tell apart, with so many others, each about 100 pixels wide."""
    return pd.DataFrame({"classifier": "cnn", "seed": [0, 1]} | {f"column_{n}": "x" * 11 for n in range(columns)})


def tables_of(page):
    """The headings of each table of a page."""
    tables = re.findall("<table.*?</table>", page, flags=re.DOTALL)
    return [re.findall("<th[^>]*>(.*?)</th>", table.replace("<wbr>", "")) for table in tables]


def test_a_table_wider_than_the_page_becomes_several_with_the_columns_that_tell_rows_apart():
    table = wide(15)
    page = formats.to_html(table, "name")
    first, second = tables_of(page)
    assert first[:2] == second[:2] == ["classifier", "seed"]
    assert [*first[2:], *second[2:]] == [*table][2:]
    assert len(first) >= 10
    assert page.count("<td>1</td>") == 2
    assert f'<a href="#part1">column_0 …</a>, <a href="#part2">{second[2]} …</a>' in page


def test_a_table_that_fits_stays_one():
    page = formats.to_html(wide(5), "name")
    assert len(tables_of(page)) == 1
    assert "#part2" not in page


def test_rows_that_nothing_tells_apart_repeat_their_first_column():
    first, second = tables_of(formats.to_html(wide(15).assign(seed=0), "name"))
    assert first[0] == second[0] == "classifier"
    assert second[1] != "seed"


@pytest.mark.parametrize("table", [wide(15).iloc[:0], pd.DataFrame({"x" * 300: [1], "y" * 300: [2]})])
def test_no_rows_and_no_column_that_fits_lose_nothing(table):
    assert {column for part in tables_of(formats.to_html(table, "name")) for column in part} == {*table}
