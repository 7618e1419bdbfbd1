"""Files are merged as by snakemake; an error names the one with the key; a key twice in one mapping is refused."""

import textwrap
from pathlib import Path

import pytest
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from pipeline.files.configurations import (
    PROJECT,
    command_line,
    holder,
    located,
    project,
    read_config,
    read_source,
)
from projects import ROOT, error_lines, run_snakemake
from spurious.configuration import check
from spurious.errors import SpuriousError

TWICE = {
    "at the top": ("threads: {}\nsmoothing: {}\nthreads: {}\n", "the key 'threads' appears twice, in lines 1 and 3"),
    "deeper": (
        "smoothing:\n  shards: 1\n\n  shards: 1\n",
        "smoothing: the key 'shards' appears twice, in lines 2 and",
    ),
    "in a list": ("retraining:\n  arms:\n    - {a: 1, a: 2}\n", "retraining.arms[0]: the key 'a' appears twice, in li"),
    "in quotes": ("threads: {}\n'threads': {}\n", "the key 'threads' appears twice, in lines 1 and 2"),
    "JSON": ('{"threads": {},\n "threads": {}}', "the key 'threads' appears twice, in lines 1 and 2"),
}
ONCE = {
    "one key in two mappings": "a: {x: 1}\nb: {x: 1}\n",
    "an alias": "a: &a {x: 1}\nb: *a\n",
    "a mapping that holds itself": "a: &a {x: *a}\n",
    "no YAML": "a: [",
    "nothing": "",
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files in the working directory and read them: {name: text} to sources."""
    monkeypatch.chdir(tmp_path)

    def written(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(text))
        return [read_source(tmp_path / f"{name}.yaml") for name in files]

    return written


@pytest.mark.parametrize(("text", "told"), TWICE.values(), ids=TWICE)
def test_a_key_that_stands_twice_is_refused_with_both_lines(write, text, told):
    with pytest.raises(SpuriousError) as caught:
        write(mine=text)
    assert str(caught.value).startswith(f"mine.yaml: {told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ONCE.values(), ids=ONCE)
def test_what_stands_once_is_read(write, text):
    assert [source.name for source in write(mine=text)] == ["mine.yaml"]


def test_the_file_that_holds_a_key_is_named(write, tmp_path):
    sources = write(config="a: {x: [1, {y: 2}]}\nb: 1\n", mine="a: {z: 1}\n")
    sources.append(command_line({"b": {"c": 3}}))
    expected = {
        ("a", "x"): "config.yaml",
        ("a", "x", 1, "y"): "config.yaml",
        ("a", "z"): "mine.yaml",
        ("a",): "mine.yaml",  # the last one
        ("a", "new"): "mine.yaml",  # the last one on the way there
        ("a", "x", 7): "config.yaml",
        ("b", "c"): "--config",
        ("nowhere",): "config.yaml",  # the first one
        (): "config.yaml",
    }
    assert {place: holder(sources, place) for place in expected} == expected
    assert holder([], ("a",)) == "config.yaml"


def test_a_file_elsewhere_has_its_whole_path(write, tmp_path, monkeypatch):
    write(mine="a: 1\n")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert read_source(tmp_path / "mine.yaml").name == str(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"experiments": {}, "thread": 1}, ("thread",)),
        ({"experiments": {}, "smoothing": {"kernels": [4]}}, ("smoothing", "kernels", 0)),
        ({"experiments": {}, "datasets": {"..": {"source": "digits"}}}, ("datasets", "..")),
        ({"experiments": {"digit": {"seeds": [0]}}}, ("experiments", "digit")),
        (
            {"experiments": {"digits": {"seeds": [0], "override": {"threads": {"training": 0}}}}},
            ("experiments", "digits", "override", "threads", "training"),
        ),
    ],
)
def test_the_place_of_an_error_is_that_of_its_key(config, place):
    asked = []
    with pytest.raises(SpuriousError, match=r"^mine\.yaml: "):
        check(config, named=lambda where: asked.append(where) or "mine.yaml")
    assert asked == [place]


def test_snakemake_names_the_file_that_it_was_given(fresh):
    (fresh / "mine.yaml").write_text("smoothing: {kernels: [4]}\n")
    done = run_snakemake(fresh, "demo", "--dry-run", "--configfile", "mine.yaml", check=False)
    (line,) = error_lines(done)
    assert line.startswith("error: mine.yaml: smoothing.kernels[0]: 4 is not allowed: odd number of taps")


OWN = "experiments: {digits: {seeds: [0]}}\nsmoothing: {kernels: [3], shards: 2}\n"
MINE = {"mine": "smoothing: {kernels: [5]}\ntargets: {demo: [digits]}\n", "more": "smoothing: {shards: 3}\n"}


@pytest.mark.parametrize("given", [[], ["mine"], ["mine", "more"], ["more", "mine"], ["config", "mine"]])
def test_the_files_are_merged_as_by_snakemake(write, given):
    write(config=OWN, **MINE)
    paths = [Path(f"{name}.yaml") for name in given]
    expected = {}
    for path in ("config.yaml", *paths):
        update_config(expected, load_configfile(path))
    assert read_config(paths) == expected


def test_a_file_elsewhere_changes_the_working_directorys(write, tmp_path, monkeypatch):
    write(config=OWN, **MINE)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/config.yaml").write_text(OWN.replace("shards: 2", "shards: 9"))
    monkeypatch.chdir(tmp_path / "inner")
    assert read_config([tmp_path / "mine.yaml"])["smoothing"] == {"kernels": [5], "shards": 9}


@pytest.mark.parametrize(
    ("config", "mine", "said"),
    [
        (OWN, "smoothing: {kernels: [4]}", r"^mine.yaml: smoothing.kernels\[0\]: 4 is not allowed"),
        (OWN.replace("[3]", "[4]"), MINE["more"], r"^config.yaml: smoothing.kernels\[0\]: 4 is not allowed"),
        (OWN, "a: [", r"^mine.yaml: no readable configuration \(.* in line \d, column \d\); fix it$"),
        ("a: [", MINE["mine"], r"^config.yaml: no readable configuration \(.* in line \d, column \d\); fix it$"),
        (OWN, "extensions: [nothere.py]", r"^mine.yaml: extensions: nothere.py: cannot be imported"),
    ],
)
def test_the_file_with_the_fault_is_named(write, config, mine, said):
    write(config=config, mine=mine)
    with pytest.raises(SpuriousError, match=said) as caught:
        read_config([Path("mine.yaml")])
    assert "\n" not in str(caught.value)


def test_the_project_is_the_working_directory_or_else_the_workflows_own(write, tmp_path):
    assert project() == PROJECT == ROOT
    write(config=OWN)
    assert (tmp_path / project()).samefile(tmp_path)


def test_a_path_begins_in_the_working_directory_or_else_in_the_workflow(write, tmp_path):
    write(mine="")
    shipped = "workflow/resources/imagenet_classes.csv"
    found = [located(path) for path in ("mine.yaml", "nothere", str(tmp_path / "nothere"), shipped)]
    assert found == ["mine.yaml", "nothere", str(tmp_path / "nothere"), str(ROOT / shipped)]
    (tmp_path / shipped).parent.mkdir(parents=True)
    (tmp_path / shipped).touch()
    assert located(shipped) == shipped
