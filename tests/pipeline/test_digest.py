import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.digest import SCRIPTS, digest, reached
from projects import ROOT

BY_HAND = {"document_settings", "tell_claims"}  # no jobs; they import the rooms by the names of their folders
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem not in BY_HAND)


@pytest.mark.parametrize("program", PROGRAMS)
def test_modules_that_a_program_loads_lie_within_its_digest(program):
    code = f"""
import json, sys
before = set(sys.modules)
import {program}
files = [getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if name not in before]
print(json.dumps([file for file in files if file and file.startswith({str(SCRIPTS)!r})]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) <= set(map(str, reached(program)))


def test_a_digest_changes_with_a_file_that_is_reached_and_with_no_other(tmp_path):
    """In a copy of the scripts, each digest is computed by a process of its own: files are read once in a process."""
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/digest.py").write_text((ROOT / "scripts/pipeline/digest.py").read_text())
    (tmp_path / "program.py").write_text("def main():\n    import near\n")
    (tmp_path / "near.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import typed\nelse:\n    import other\n"
    )
    for name in ("typed", "other", "alone"):
        (tmp_path / f"{name}.py").write_text("")

    def measured():
        command = [sys.executable, "-c", "from pipeline.digest import digest; print(digest('program'))"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    first = measured()
    for name in ("typed", "alone"):
        (tmp_path / f"{name}.py").write_text("# edited\n")
        assert measured() == first
    for name in ("other", "near", "program"):
        with (tmp_path / f"{name}.py").open("a") as file:
            file.write("# edited\n")
        assert measured() != first
        first = measured()


def test_digests_of_different_programs_differ():
    assert len({digest(program) for program in PROGRAMS}) == len(PROGRAMS)


def test_a_file_of_ones_own_counts_with_what_it_imports(tmp_path):
    files = [tmp_path / name / "mine.py" for name in ("one", "same", "other")]
    for path, content in zip(files, ("", "", "# edited\n"), strict=True):
        path.parent.mkdir()
        path.write_text(f"from spurious.views.registry import View\n{content}")
    one, same, other = (digest("fetch_file", str(path)) for path in files)
    assert one == same != other
    assert {files[0].resolve(), SCRIPTS / "spurious/views/registry.py"} <= set(reached("fetch_file", str(files[0])))


def test_a_digest_does_not_depend_on_where_a_file_of_ones_own_lies(tmp_path, monkeypatch):
    """Before and after the project's files in the order of all paths."""
    before, after = (Path(path, "spurious-test", "mine.py") for path in ("/0", "/zzz"))
    assert before < SCRIPTS < after
    monkeypatch.setattr("pipeline.digest.reached", lambda *roots: sorted([Path(roots[0]), SCRIPTS / "verify.py"]))
    monkeypatch.setattr("pipeline.digest._content", lambda path: path.name.encode())
    assert digest(str(before)) == digest(str(after))
