"""A table is made from files, or an error names them."""

import subprocess
import sys

import pandas as pd
import pytest

import make_result
from making import ROOMS, make
from pipeline.files.rows import read_rows
from samplerows import predictions, retraining_inputs, search_rows
from spurious.errors import SpuriousError
from spurious.experiments.backworking import searches
from spurious.report import formats


def test_a_table_is_written_as_csv_and_markdown_and_html(tmp_path):
    rows = search_rows()
    paths = [tmp_path / f"label{label}.csv" for label in (3, 4)]
    for label, path in zip((3, 4), paths, strict=True):
        rows[rows["label"] == label].to_csv(path, index=False)
    made = make(tmp_path / "out", "table", "backworking", {"rows": paths}, found_above=0.9995)
    expected = searches.backworking(rows, found_above=0.9995)
    pd.testing.assert_frame_equal(read_rows([made["csv"]]), expected, rtol=1e-6)
    assert made["md"].read_text() == formats.to_markdown(expected) + "\n"
    origin = formats.Origin(
        function="spurious.experiments.backworking.searches:backworking", files=[path.name for path in paths]
    )
    assert made["html"].read_text() == formats.to_html(expected, made["html"].stem, origin)


def test_the_page_of_a_table_has_the_title_and_the_caption_that_are_given(tmp_path):
    search_rows().to_csv(tmp_path / "rows.csv", index=False)
    words = ["spurious.experiments.backworking.searches:backworking", "--input", "rows", str(tmp_path / "rows.csv")]
    page = tmp_path / "backworking.html"
    make_result.main([*words, "--title=searches", "--caption=What ``p`` is.", "--output", str(page)])
    assert "<title>searches</title>" in page.read_text()
    assert '<p class="caption">What <code>p</code> is.</p>' in page.read_text()


def test_an_error_names_the_files_that_it_is_about(tmp_path):
    for name, frame in zip("aopn", retraining_inputs(), strict=True):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "p.csv").write_text("classifier,negatives,target,round,seed,id,label,predicted,probability\n")
    files = {name: tmp_path / f"{name[0]}.csv" for name in ("attacks", "old", "predictions", "negatives_rows")}
    with pytest.raises(SpuriousError, match=r"^/.*/p\.csv: none for ") as raised:
        make(tmp_path, "table", "retraining", files, found_above=0.999)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "retraining.csv").exists()


def test_an_error_names_the_first_of_many_files(tmp_path):
    paths = [tmp_path / f"{number}.csv" for number in range(4)]
    for path in paths:
        predictions().query("split == 'train'").to_csv(path, index=False)
    with pytest.raises(SpuriousError, match=r"^/.*/0\.csv and 3 more: no row of the split test for cnn, seed 0"):
        make(tmp_path, "table", "classifiers", {"predictions": paths})


def test_a_file_that_cannot_be_read_leaves_the_finished_table(tmp_path):
    (tmp_path / "classifiers.csv").write_text("finished")
    (tmp_path / "rows.csv").write_text('a,"b\n')
    with pytest.raises(SpuriousError, match=r"rows\.csv: not a readable CSV file"):
        make(tmp_path, "table", "classifiers", {"predictions": tmp_path / "rows.csv"})
    assert (tmp_path / "classifiers.csv").read_text() == "finished"


@pytest.mark.parametrize(("words", "message"), [(["--settings", "{"], "is not JSON"), (["--settings", "[]"], "braces")])
def test_settings_that_are_no_object_are_one_line(tmp_path, words, message):
    with pytest.raises(SpuriousError, match=f"--settings: .* {message}"):
        make_result.main(["spurious.experiments.linear.toy:toy", *words, "--output", str(tmp_path / "t.csv")])


def test_tables_import_no_torch(pytestconfig):
    tables = [result for room in ROOMS.values() for result in room.RESULTS if result.kind == "table"]
    functions = [table.function for table in tables if "splits" not in table.inputs]  # that computes on images
    code = f"import sys; from pipeline.files.results import function_of; [*map(function_of, {functions})]"
    code += "; import make_result; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=pytestconfig.rootpath / "scripts", check=True)
