"""What each job of a demo really imported, against the files that its digest is over."""

import json
from pathlib import PurePosixPath

from pipeline.digest import SCRIPTS, reached


def roots(command):
    """The modules that a job's digest starts from, as the rules name them."""
    program = PurePosixPath(command[0]).stem
    if program == "make_result":
        return [program, command[1].rpartition(":")[0]]
    if program == "write_summary":
        findings = json.loads(command[command.index("--findings") + 1])
        return [program, *(part["function"].rpartition(":")[0] for part in findings)]
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
