"""Short forms of what run.py does at length: the pipeline is disturbed, recovers, and nothing is lost."""

import re
import shutil
import subprocess

import pytest

import clocks
import disks
import mirrors
import settings
import twice
from harness import (
    KINDS,
    Kill,
    Outcome,
    Undisturbed,
    compare,
    complaints,
    done_jobs,
    killed_until_finished,
    kills,
    planned,
    wrong_files,
)
from projects import DATASET, contents, run_snakemake

SMOOTHING = (f"results/{DATASET}/tables/smoothing.csv",)  # from the source to a table in as few jobs as can be
NEEDED = re.compile(rf"README|downloads/|{DATASET}/(data\.|(cnn|softmax)/(seed0/\w+\.|smoothing)|tables/smoothing\.)")
GATHERED = (f"results/{DATASET}/softmax/smoothing.csv",)
ARCHIVE_ONLY = (f"results/downloads/{DATASET}/archive",)
DATA = (f"results/{DATASET}/data.safetensors",)
SCRIPTS = ("prepare_dataset", "train_classifier", "smooth_shard", "gather_smoothing")  # that kills meet, in this order


def expectation(finished, targets, needed):
    """What the targets make, out of the finished demo."""
    files = contents(finished / "results")
    jobs = planned(run_snakemake(finished, *targets, "--dry-run", "--forceall").stdout)
    return Undisturbed({name: content for name, content in files.items() if needed.match(name)}, 0, jobs)


@pytest.fixture(scope="module")
def smoothing(finished):
    return expectation(finished, SMOOTHING, NEEDED)


@pytest.fixture(scope="module")
def data(finished):
    return expectation(finished, DATA, re.compile(rf"README|downloads/|{DATASET}/data\."))


def test_killed_runs_end_in_the_same_files(fresh, smoothing):
    """Every kind of kill once, each where a later script is about to put its result in place."""
    pending = [Kill(kind, script=f"scripts/{script}.py") for kind, script in zip(KINDS, SCRIPTS, strict=True)]
    outcomes = killed_until_finished(fresh, pending, smoothing, SMOOTHING)
    assert [outcome.fault for outcome in outcomes] == list(KINDS)
    assert [outcome.struck for outcome in outcomes] == [[f"scripts/{script}.py"] for script in SCRIPTS]
    assert [outcome.lost for outcome in outcomes] == [[]] * len(outcomes)
    assert [outcome.left for outcome in outcomes] == [[]] * len(outcomes)


def test_a_changed_setting_arrives_though_its_job_was_killed(rerun, finished, tmp_path):
    changed = settings.with_change(shutil.copytree(finished, tmp_path / "changed"), GATHERED)
    outcome = settings.changed_then_killed(rerun, "setting changed, then job killed", changed, GATHERED)
    assert outcome.lost == []
    before = contents(finished / "results")
    assert any(before[name] != content for name, content in changed.files.items()), "the change changed nothing"


@pytest.fixture
def mounting(tmp_path):
    (tmp_path / "any/results").mkdir(parents=True)
    (tmp_path / "any/results/README.md").write_text("")
    try:
        with disks.mounted(tmp_path / "any", "1m"):
            pass
    except (PermissionError, FileNotFoundError) as error:
        pytest.skip(f"nothing may be mounted here: {error}")


@pytest.mark.usefixtures("mounting")
def test_full_disk(fresh, finished, data):
    needed = (finished / "results" / DATASET / "data.safetensors").stat().st_size
    outcome = disks.full_disk(fresh, needed, data, DATA)  # room for the tensors, but not beside their source
    assert outcome.lost == []


@pytest.mark.usefixtures("mounting")
def test_read_only_results(fresh, data):
    outcome = disks.read_only(fresh, data, f"results/downloads/{DATASET}/archive", DATA)
    assert outcome.lost == []


def test_second_run_is_refused_and_the_first_goes_on(fresh, data):
    assert twice.second_while_running(fresh, data, DATA).lost == []


def test_a_second_run_that_is_not_refused_is_noticed(fresh, data):
    """Snakemake without its lock, as two runs started in the same moment might be."""
    outcome = twice.second_while_running(fresh, data, DATA, options=["--nolock"])
    assert "the second run was not refused" in outcome.problems


def test_download_that_stops_half_way(fresh, finished):
    archive = expectation(finished, ARCHIVE_ONLY, re.compile("README|downloads/"))
    assert mirrors.bad_mirror(fresh, "download stops half-way, every time", archive, ARCHIVE_ONLY).lost == []


@pytest.mark.parametrize("fault", ["clock: results from the future", "clock: code and data from the future"])
def test_clock_that_jumped(rerun, finished, fault):
    everything = Undisturbed(contents(finished / "results"), 0, 0)
    assert clocks.jumped(rerun, fault, everything, SMOOTHING).lost == []


# The harness can tell


def test_a_part_a_missing_and_a_foreign_file_are_noticed(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (results / name).write_text("whole\n")
    expected = contents(results)
    (results / "a.csv").write_text("who")
    (results / "b.csv").unlink()
    (results / "d.csv").write_text("")
    (results / ".c.csv.new").write_text("wh")
    assert wrong_files(tmp_path, expected) == ["a.csv", "d.csv"]
    outcome = Outcome("none")
    compare(outcome, tmp_path, expected)
    assert outcome.different == ["a.csv", "b.csv", "d.csv"]
    assert outcome.left == [".c.csv.new"]
    assert outcome.lost == ["a.csv", "b.csv", "d.csv"]


@pytest.mark.parametrize(
    ("code", "text", "wrong"),
    [
        (1, "error: a: full\n", []),
        (1, "error: a: full\nerror: b: full\n", ["unclear message"]),
        (1, "error: a: other\n", ["unclear message"]),
        (1, "", ["unclear message"]),
        (0, "error: a: full\n", ["the run did not fail"]),
        (1, "error: a: full\nTraceback (most recent call last):\n", ["a traceback"]),
    ],
)
def test_a_run_that_fails_otherwise_is_noticed(code, text, wrong):
    done = subprocess.CompletedProcess([], code, stdout="", stderr=text)
    assert [found.partition(":")[0] for found in complaints(done, "full", one_line=True)] == wrong


def test_repeated_jobs_and_problems_count_as_lost():
    assert Outcome("none", repeated=1, problems=["a traceback"]).lost == ["1 finished jobs done again", "a traceback"]
    assert done_jobs("Finished jobid: 3 (Rule: x)\n... Finished jobid: 4\n") == 1


def test_moments_are_those_of_the_seed():
    assert kills(8, 0, 10) == kills(8, 0, 10) != kills(8, 1, 10)
    assert len({kill.kind for kill in kills(8, 0, 10)}) == 4
