"""What each job of a demo really imported, against the files that its digest is over."""

import json
from pathlib import PurePosixPath

import pytest

from pipeline.digest import SCRIPTS, reached
from pipeline.files.readers import readers_of


def roots(command):
    """The modules that a job's digest starts from, as the rules name them."""
    program = PurePosixPath(command[0]).stem
    if program == "make_result":
        place = command[1].rpartition(":")[0]
        return [program, place, *readers_of(place)]
    if program == "write_summary":
        findings = json.loads(command[command.index("--findings") + 1])
        places = [part["function"].rpartition(":")[0] for part in findings]
        return [program, *places, *(reader for place in places for reader in readers_of(place))]
    return [program]


def test_modules_that_the_jobs_of_the_demo_loaded_lie_within_their_digests(notes):
    notes = [json.loads(path.read_text(encoding="utf-8")) for path in notes.glob("*.json")]
    programs = {PurePosixPath(note["command"][0]).stem for note in notes}
    assert {"train_classifier", "smooth_shard", "make_result", "write_summary", "transfer_images"} <= programs
    for note in notes:
        allowed = {path.relative_to(SCRIPTS).as_posix() for path in reached(*roots(note["command"]))}
        assert set(note["loaded"]) <= allowed, note["command"][:3]


def test_a_digest_without_the_function_s_module_would_be_noticed():
    """The negative case: make_result alone does not reach a table's module."""
    table = "spurious.experiments.smoothing.agreement"
    alone = {path.name for path in reached("make_result")}
    assert "agreement.py" not in alone
    assert "agreement.py" in {path.name for path in reached("make_result", table)}


def test_a_digest_without_the_readers_of_its_function_would_be_noticed():
    """The negative case: a figure that opens a classifier, and a table that opens nothing but rows."""
    figure = "spurious.experiments.classifiers.salient"
    assert readers_of(figure) == ["pipeline.files.weights"]
    assert readers_of("spurious.experiments.smoothing.agreement") == readers_of("somebody.elses") == []
    reading = {path.name for path in reached("make_result", figure)}
    assert "weights.py" not in reading
    assert "weights.py" in {path.name for path in reached("make_result", figure, *readers_of(figure))}


@pytest.mark.parametrize(
    "text",
    [
        "from spurious.data.splits import Splits\ndef table(data: Splits): ...",
        "from spurious.data.splits import Splits as S\ndef table(data: S): ...",
        "from spurious.data import splits\ndef table(data: splits.Splits | None = None): ...",
        "def table(data: 'Splits'): ...",
        "def table(data: 'splits.Splits | None' = None): ...",
    ],
)
def test_the_types_of_ones_own_file_are_found_however_they_are_written(tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    assert readers_of(str(tmp_path / "mine.py")) == ["pipeline.files.images"]
