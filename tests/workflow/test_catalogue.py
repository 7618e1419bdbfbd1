"""The catalogues of the experiments agree with the functions that they name, and take in what is added from outside."""

import inspect
import json
import re
import subprocess
import sys
import typing

import pandas as pd
import pytest

import make_result
from making import ROOMS
from pipeline.digest import SCRIPTS, reached
from pipeline.files.readers import LATE
from pipeline.files.results import READERS, called, function_of, reader_of
from pipeline.files.rows import read_rows
from pipeline.jobs.arguments import EXTENSIONS
from projects import DATASET, ROOT, error_lines, planned_results, read_config, run_snakemake
from spurious.configuration import settings_for
from spurious.errors import SpuriousError
from spurious.experiments.catalogue import setting

RESULTS = [result for room in ROOMS.values() for result in room.RESULTS]
FINDINGS = [part for room in ROOMS.values() for part in room.FINDINGS]


def named(parts):
    return pytest.mark.parametrize("result", parts, ids=lambda part: getattr(part, "name", None) or part.title)


@named(RESULTS)
def test_keywords_are_those_of_the_inputs_the_settings_and_the_wildcards(result):
    parameters = inspect.signature(function_of(result.function)).parameters
    own = {*result.inputs, *result.settings}
    assert own <= parameters.keys()
    others = parameters.keys() - own - {"title"}  # of a figure; what is left out must not fall back to a default
    assert others <= {"dataset", *result.wildcards}
    assert "title" not in parameters or parameters["title"].default is not inspect.Parameter.empty
    assert not result.inputs.keys() & {*result.settings, "dataset", *result.wildcards}


@named(FINDINGS)
def test_keywords_of_findings_are_their_tables_and_settings(result):
    parameters = inspect.signature(function_of(result.function)).parameters
    assert {*result.tables, *result.settings} == parameters.keys()
    tables = {table.name for table in RESULTS if table.kind == "table"}
    assert set(result.tables.values()) <= tables


@named([*RESULTS, *FINDINGS])
def test_every_input_can_be_read_as_it_is_annotated(result):
    hints = typing.get_type_hints(function_of(result.function))
    for keyword in getattr(result, "inputs", None) or getattr(result, "tables", {}):
        assert reader_of(hints[keyword]), f"{keyword}: {hints[keyword]}"


def test_every_reader_is_asked_for():
    parts = [
        (part.function, getattr(part, "inputs", None) or getattr(part, "tables", {})) for part in RESULTS + FINDINGS
    ]
    hints = [typing.get_type_hints(function_of(name))[keyword] for name, keywords in parts for keyword in keywords]
    known = {read for _, read in READERS} | {function_of(name) for name in LATE.values()}
    assert {reader_of(hint) for hint in hints} == known


def test_names_and_rules_are_those_of_one_result_each():
    names = [(result.kind, result.stem.replace("-", "_")) for result in RESULTS]
    assert len(set(names)) == len(names)


@named(RESULTS)
def test_every_result_has_a_caption(result):
    """That of a table is on its page, too, which knows paragraphs and literals only (`formats.to_html`)."""
    text = (ROOT / f"workflow/report/{result.kind}_{result.stem}.rst").read_text(encoding="utf-8")
    assert text.strip()
    if result.kind == "table":
        bare = re.sub("``.+?``", "", text.partition(".. include::")[0], flags=re.DOTALL)
        assert not re.search(r"\*\w|\w`|`\w|^[-*] |::|^\.\. |_`", bare, flags=re.MULTILINE)


@named(RESULTS)
def test_the_menu_has_words_for_every_result(result):
    assert result.label, "else the menu shows the name of its file"
    assert result.label != result.name
    assert not re.search(r"_|\.\w", re.sub(r"{\w+}", "", result.label))
    assert "-" not in result.stem or result.stem not in result.label


@pytest.mark.parametrize("room", ROOMS)
def test_no_two_results_of_a_room_have_the_same_words(room):
    words = [result.label for result in ROOMS[room].RESULTS]
    assert len(set(words)) == len(words)


SEARCHED = ("backworking", "retraining")
WITHOUT_SEARCHES = {"table_retraining-noise", "table_retraining-judges", "figure_retraining-images"}


@named([result for name in SEARCHED for result in ROOMS[name].RESULTS])
def test_captions_tell_the_search_published_from_the_one_that_was_published(result):
    """Its name is that of the search with clamped pixels, which the write-up's was not."""
    name = f"{result.kind}_{result.stem}"
    caption = " ".join((ROOT / f"workflow/report/{name}.rst").read_text(encoding="utf-8").split())
    told = "pixels in [0, 1] at every step" in caption and "as it was published" in caption
    assert told != (name in WITHOUT_SEARCHES)


def test_every_caption_is_of_a_result():
    captions = {path.stem for path in (ROOT / "workflow/report").glob("*.rst")}
    others = {"provenance", "workflow", "figure_example"}
    assert captions == others | {f"{result.kind}_{result.stem}" for result in RESULTS}


@named([*RESULTS, *FINDINGS])
def test_settings_are_there(result):
    config = settings_for(read_config(ROOT), "digits")
    settings = {**config, "dataset": config["datasets"]["digits"]}
    for key in result.settings.values():
        setting(settings, key)


def test_planning_imports_nothing_heavy():
    code = """
import sys
from spurious.experiments.rooms import catalogues
import spurious.writeups.catalogue
assert len(catalogues()) > 5
print(sorted({"torch", "torchvision", "kornia", "pandas", "matplotlib", "sklearn"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_modules_that_a_result_loads_lie_within_its_digest():
    """Our own modules are dropped between two results; those of others are imported once."""
    places = sorted({part.function.rpartition(":")[0] for part in [*RESULTS, *FINDINGS]})
    code = f"""
import json, sys
import matplotlib.figure, pandas, torch
loaded = {{}}
for place in {places}:
    from pipeline.files.results import function_of
    function_of(place + ":__name__")
    own = {{name: module.__file__ for name, module in sys.modules.items()
           if (getattr(module, "__file__", None) or "").startswith({str(SCRIPTS)!r})}}
    loaded[place] = sorted(own.values())
    for name in own:
        del sys.modules[name]
print(json.dumps(loaded))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert loaded.keys() == set(places)
    for place, files in loaded.items():
        assert set(files) <= set(map(str, reached("make_result", place))), place
        assert str(SCRIPTS / (place.replace(".", "/") + ".py")) in files


# What is added from outside

OWN_FILE = """
import pandas as pd

from spurious.statistics.proportions import wilson


def table(predictions: pd.DataFrame, least: float) -> pd.DataFrame:
    if predictions.empty:
        raise ValueError
    sure = predictions["p_label"] > least
    low, high = wilson(sure.sum(), len(sure))
    return pd.DataFrame({"n": [len(sure)], "sure": [sure.sum()], "low": [low], "high": [high]})


def unreadable(predictions: list) -> pd.DataFrame:
    return predictions


def bare(predictions):
    return predictions
"""
OWN_TABLE = """
RESULTS.append(
    Table(
        "mine",
        "mine.py:table",
        {"predictions": "train_classifier.predictions"},
        {"least": "backworking.found_above"},
    )
)
"""


@pytest.fixture
def mine(tmp_path):
    """A file of somebody's own with a table, and predictions."""
    (tmp_path / "mine.py").write_text(OWN_FILE, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("classifier,p_label\nNA,0.5\nNA,0.9\n", encoding="utf-8")
    return tmp_path / "mine.py"


def test_a_function_of_a_file_of_ones_own_is_called(mine):
    made = called(f"{mine}:table", {"predictions": [str(mine.with_name("rows.csv"))]}, {"least": 0.8, "dataset": "own"})
    assert made[["n", "sure"]].to_numpy().tolist() == [[2, 1]]


@pytest.mark.parametrize(
    ("function", "keyword", "message"),
    [
        ("tables", "predictions", r"mine\.py: there is no function 'tables'; correct the catalogue"),
        ("table", "rows", r"mine\.py:table: there is no annotated argument 'rows'"),
        ("bare", "predictions", r"mine\.py:bare: there is no annotated argument 'predictions'"),
        ("unreadable", "predictions", r"rows\.csv: nothing is known to read as .*list"),
    ],
)
def test_what_is_wrong_with_a_function_is_one_line(mine, function, keyword, message):
    with pytest.raises(SpuriousError, match=message) as raised:
        called(f"{mine}:{function}", {keyword: [str(mine.with_name("rows.csv"))]}, {"least": 0.8})
    assert "\n" not in str(raised.value)


def test_an_edit_of_a_file_of_ones_own_or_of_what_it_imports_counts(mine):
    files = reached("make_result", str(mine))
    assert mine in files
    assert SCRIPTS / "spurious/statistics/proportions.py" in files
    assert SCRIPTS / "spurious/experiments/smoothing/agreement.py" not in files


OWN_NOISE = """
from pydantic import Field
from spurious.perturbations.noises import Noise


class Haze(Noise, kind="haze"):
    depth: float = Field(0.5, description="in pixels")
"""
OF_A_NOISE = """
import pandas as pd

from spurious.views.settings import Variant


def table(variant: Variant) -> pd.DataFrame:
    return pd.DataFrame({"depth": [variant.noise.depth]})
"""


def test_settings_of_a_result_may_have_kinds_of_an_extension(tmp_path, monkeypatch):
    (tmp_path / "noise.py").write_text(OWN_NOISE, encoding="utf-8")
    (tmp_path / "mine.py").write_text(OF_A_NOISE, encoding="utf-8")
    settings = json.dumps({"variant": {"noise": {"kind": "haze", "depth": 2.0}}})
    made = tmp_path / "made.csv"
    arguments = [f"{tmp_path}/mine.py:table", "--settings", settings, "--output", str(made)]
    with pytest.raises(SpuriousError, match=r"noise\.kind: .haze. is not allowed"):
        make_result.main(arguments)
    monkeypatch.setenv(EXTENSIONS, json.dumps([str(tmp_path / "noise.py")]))
    make_result.main(arguments)
    assert pd.read_csv(made)["depth"].tolist() == [2.0]


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_table_from_outside_is_planned_made_and_made_again_after_an_edit(rerun):
    """One line in a room's catalogue, a file, a caption; nothing else runs, and nothing else is in its digest."""
    (rerun / "mine.py").write_text(OWN_FILE, encoding="utf-8")
    (rerun / "workflow/report/table_mine.rst").write_text("Mine.\n", encoding="utf-8")
    append(rerun / "scripts/spurious/experiments/classifiers/catalogue.py", OWN_TABLE)
    assert planned_results(run_snakemake(rerun, "demo", "--dry-run", "--printshellcmds")).keys() == {"tables/mine"}
    path = f"results/{DATASET}/tables/mine.csv"
    run_snakemake(rerun, path)
    files = [rerun.glob(f"results/{DATASET}/{name}/seed*/predictions.csv") for name in ("cnn", "softmax")]
    rows = read_rows(sorted(path for found in files for path in found))
    assert pd.read_csv(rerun / path)["n"].tolist() == [len(rows)]
    assert "Nothing to be done" in run_snakemake(rerun, path, "--dry-run").stdout
    append(rerun / "mine.py", "# a remark\n")
    assert planned_results(run_snakemake(rerun, path, "--dry-run", "--printshellcmds")).keys() == {"tables/mine"}


def test_a_file_that_is_not_there_ends_the_plan_in_one_line(fresh):
    append(fresh / "scripts/spurious/experiments/classifiers/catalogue.py", OWN_TABLE)
    done = run_snakemake(fresh, "demo", "--dry-run", check=False)
    assert done.returncode
    assert error_lines(done) == [
        "error: mine.py: cannot be read ([Errno 2] No such file or directory: "
        f"'{(fresh / 'mine.py').resolve()}'); correct it, or the catalogue that names it"
    ]
