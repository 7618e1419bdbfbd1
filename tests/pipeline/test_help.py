"""What takes seconds to import is imported where it is needed: not by --help, and torchvision not by every job."""

import re
import subprocess
import sys

import pytest

from pipeline.digest import SCRIPTS
from projects import ROOT

SLOW = ("torch", "pandas", "scipy", "matplotlib")
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py"))


def asked(program, *options):
    """The end of a program, given without ".py", what it printed, and the slow modules that it imported."""
    code = f"""
import runpy, sys
sys.argv = [{str(program)!r}, *{options!r}]
try:
    runpy.run_path({str(SCRIPTS / program)!r} + ".py", run_name="__main__")
finally:
    print("imported:", *sorted(set(sys.modules) & set({SLOW!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    shown, _, imported = done.stdout.rpartition("imported:")
    return done, shown, imported.split()


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_imports_nothing_slow(program):
    done, shown, imported = asked(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown.startswith("usage:")
    assert imported == []


PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
FOR_PEOPLE = {name for page in PAGES for name in re.findall(r"\bpython scripts/(\w+)\.py", page.read_text("utf-8"))}


@pytest.mark.parametrize("program", sorted(FOR_PEOPLE))
def test_the_help_of_what_people_call_has_an_example(program):
    _, shown, _ = asked(program, "--help")
    assert re.search(rf"python\s+scripts/{program}\.py", shown)


def test_a_slow_import_would_be_noticed(tmp_path):
    """The negative case: a program that imports first and reads its arguments afterwards."""
    (tmp_path / "late.py").write_text("import argparse\nimport pandas\nargparse.ArgumentParser().parse_args()\n")
    done, shown, imported = asked(tmp_path / "late", "--help")
    assert done.returncode == 0
    assert shown.startswith("usage:")
    assert imported == ["pandas"]


@pytest.mark.parametrize(
    ("module", "imported"),
    [("smooth_shard", False), ("fool_classifier", False), ("spurious.classifiers.pretrained", True)],
)
def test_programs_for_every_classifier_leave_torchvision_to_those_of_others(module, imported):
    code = f"import sys, {module}; print('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout == f"{imported}\n"
