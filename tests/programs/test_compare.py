"""Two folders of results: which numbers, texts, rows, settings and versions differ."""

import math
import re

import pandas as pd
import pytest

import compare
from records import write_record
from spurious.errors import SpuriousError
from spurious.report.comparison import differences, setting_differences
from spurious.report.crate import METADATA

RATES = pd.DataFrame({"classifier": ["cnn", "cnn"], "seed": ["0", "all"], "n": 100, "accuracy": 0.9})
RATES = RATES.assign(low=0.85, high=0.93)
RECORD = {"version": "0.1.0", "written": "today", "configuration": {"linear": {"epochs": 5}, "seeds": [0, 1]}}
RECORD["software"] = {"packages": {"torch": "2.11.0", "pandas": "2.3.3"}}


def changed(table, row, column, value):
    table = table.copy()
    table.loc[row, column] = value
    return table


@pytest.fixture
def folders(tmp_path):
    """Two equal runs."""
    for name in ("first", "second"):
        tables = tmp_path / name / "digits" / "tables"
        tables.mkdir(parents=True)
        RATES.to_csv(tables / "classifiers.csv", index=False)
        write_record(tables.parent, **RECORD)
    return tmp_path / "first", tmp_path / "second"


def test_equal_tables_have_no_differences():
    assert list(differences(RATES, RATES.iloc[::-1])) == []


@pytest.mark.parametrize(("factor", "lines"), [(0.999, 0), (1.001, 1)])
def test_a_rate_differs_by_more_than_both_intervals(factor, lines):
    apart = math.sqrt(0.04**2 + 0.04**2) * factor
    other = changed(RATES, 1, "accuracy", 0.9 + apart)
    found = list(differences(RATES, other))
    assert len(found) == lines
    assert all(line.startswith("classifier=cnn seed=all accuracy: 0.9 | ") for line in found)


@pytest.mark.parametrize(("value", "lines"), [(100 + 0.99e-4, 0), (100 + 1.01e-4, 1), (float("nan"), 1)])
def test_a_number_without_an_interval_differs_by_a_millionth(value, lines):
    other = changed(RATES.astype({"n": float}), 0, "n", value)
    assert len(list(differences(RATES, other))) == lines


def test_without_bounds_in_one_row_there_is_no_interval():
    other = changed(changed(RATES, 0, "low", math.nan), 0, "accuracy", 0.91)
    assert len(list(differences(RATES, other))) == 1


@pytest.mark.parametrize(
    ("columns", "owner"),
    [
        (("l2_median", "l2_low", "l2_high"), "l2_median"),
        (("found", "found_n", "found_share", "found_low", "found_high"), "found_share"),
        (("accuracy", "accuracy_n", "accuracy_low", "accuracy_high"), "accuracy"),
        (("acc_ns", "rejected", "acc_ns_low", "acc_ns_high"), "acc_ns"),
    ],
)
def test_whose_interval_it_is(columns, owner):
    """That one number may move within it, and the others may not."""
    values = {name: 0.1 if name.endswith("low") else 0.9 if name.endswith("high") else 0.5 for name in columns}
    row = pd.DataFrame([values])
    for column in [name for name in columns if not name.endswith(("low", "high"))]:
        assert (list(differences(row, changed(row, 0, column, 0.6))) == []) == (column == owner)


def test_infinity_differs_from_every_number():
    row = pd.DataFrame({"radius_found": [math.inf]})
    assert list(differences(row, row)) == []
    assert list(differences(row, changed(row, 0, "radius_found", 5))) == ["row=0 radius_found: inf | 5"]


VERDICTS = pd.DataFrame({"claim": ["A", "B"], "value": [0.2, None], "low": [0.1, None], "high": [0.3, None]})
VERDICTS = VERDICTS.assign(verdict=["supported", "undecided"], agrees=["yes", None])


@pytest.mark.parametrize(
    ("row", "column", "value", "line"),
    [
        (0, "verdict", "contradicted", "claim=A verdict: supported | contradicted"),
        (0, "agrees", "no", "claim=A agrees: yes | no"),
        (0, "agrees", None, "claim=A agrees: yes | nan"),
        (1, "agrees", "yes", "claim=B agrees: nan | yes"),
        (0, "verdict", "1", "claim=A verdict: supported | 1"),
    ],
)
def test_another_text_is_a_difference(row, column, value, line):
    assert list(differences(VERDICTS, changed(VERDICTS, row, column, value))) == [line]


@pytest.mark.parametrize("column", ["claim", "beside", "generation"])
def test_rows_are_matched_by_what_they_are_about_in_any_order(column):
    table = VERDICTS.rename(columns={"claim": column})
    assert list(differences(table, table.iloc[::-1])) == []
    assert list(differences(table, table[1:])) == [f"{column}=A: no such row in the second"]


def test_missing_rows_and_columns_count():
    assert list(differences(RATES, RATES[:1])) == ["classifier=cnn seed=all: no such row in the second"]
    assert list(differences(RATES[["classifier", "seed"]], RATES[["classifier", "seed", "n"]])) == [
        "column n: only in the second"
    ]


def test_rows_without_a_name_are_matched_in_their_order():
    twice = pd.concat([RATES[:1], RATES[:1]], ignore_index=True)
    assert list(differences(twice, RATES[:1])) == ["classifier=cnn seed=0 row=1: no such row in the second"]


def test_the_same_number_in_another_form_is_the_same_row():
    assert list(differences(RATES[:1].assign(seed=0), RATES[:1].assign(seed=0.0))) == []


def test_settings_that_differ_are_named():
    other = {"linear": {"epochs": 6}, "new": True}
    assert list(setting_differences({"linear": {"epochs": 5}}, other)) == ["linear.epochs: 5 | 6", "new: none | True"]


def test_equal_runs_end_with_0(folders, capsys):
    compare.main(list(map(str, folders)))
    assert capsys.readouterr().out == "0 differences in tables or records\n"


def test_settings_and_versions_are_listed_and_do_not_count(folders, capsys):
    record = RECORD | {"software": {"packages": {"torch": "2.12.0", "pandas": "2.3.3"}}, "written": "tomorrow"}
    record["configuration"] = {"linear": {"epochs": 6}, "seeds": [0, 1]}
    write_record(folders[1] / "digits", **record)
    compare.main(list(map(str, folders)))
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "digits: configuration.linear.epochs: 5 | 6",
        "digits: software.packages.torch: 2.11.0 | 2.12.0",
    ]


def test_another_number_ends_with_1(folders, capsys):
    changed(RATES, 0, "accuracy", 0.5).to_csv(folders[1] / "digits/tables/classifiers.csv", index=False)
    with pytest.raises(SystemExit) as exit_status:
        compare.main(list(map(str, folders)))
    assert exit_status.value.code == 1
    assert "digits/tables/classifiers.csv: classifier=cnn seed=0 accuracy: 0.9 | 0.5" in capsys.readouterr().out


def test_a_missing_table_ends_with_1(folders, capsys):
    RATES.to_csv(folders[0] / "digits/tables/linear.csv", index=False)
    with pytest.raises(SystemExit):
        compare.main(list(map(str, folders)))
    assert f"digits/tables/linear.csv: not in {folders[1]}" in capsys.readouterr().out


@pytest.mark.parametrize("lacking", [0, 1])
def test_a_dataset_with_a_record_in_one_folder_only_is_named_and_counts(folders, lacking, capsys):
    (folders[lacking] / "digits" / METADATA).unlink()
    with pytest.raises(SystemExit) as exit_status:
        compare.main(list(map(str, folders)))
    assert exit_status.value.code == 1
    said, count = capsys.readouterr().out.splitlines()
    assert said.startswith(f"digits: has a record in {folders[1 - lacking]}, none in {folders[lacking]}; ")
    assert count == "1 difference in tables or records"


def test_a_dataset_without_a_record_in_either_folder_is_compared_by_its_tables(folders, capsys):
    for folder in folders:
        (folder / "digits" / METADATA).unlink()
    compare.main(list(map(str, folders)))
    assert capsys.readouterr().out == "0 differences in tables or records\n"


def test_a_folder_without_tables_is_one_line(tmp_path, folders):
    with pytest.raises(SpuriousError, match="no tables"):
        compare.main([str(folders[0]), str(tmp_path)])


@pytest.mark.parametrize("text", ["{", "[]", '{"@graph": [{}]}', '{"@graph": []}'])
def test_a_broken_record_is_one_line(folders, text):
    (folders[1] / "digits" / METADATA).write_text(text)
    said = f"{folders[1]}/digits/{METADATA}: no readable record of digits; delete it and make it again by snakemake"
    with pytest.raises(SpuriousError, match=re.escape(said)):
        compare.main(list(map(str, folders)))
