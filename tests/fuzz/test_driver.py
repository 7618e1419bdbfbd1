"""The fuzzer itself: it reports planted defects, and a short run of every target finds nothing."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pandas as pd
import planted
import pytest
from targets import TARGETS

FOLDER = Path(__file__).parent
UNLIMITED = 10**6  # seconds: the number of inputs ends a run, however slow the machine is
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python or machine"
)


def fuzzed(output, *arguments):
    """The exit status of the driver, and its table by target."""
    command = [sys.executable, str(FOLDER / "run.py"), *map(str, arguments), "--output", str(output)]
    command += ["--seed", "0", "--seconds", str(UNLIMITED)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert output.exists(), finished.stderr[-2000:]
    return finished.returncode, pd.read_csv(output).set_index("target")


def test_planted_defects_are_reported(tmp_path):
    output = tmp_path / "planted.csv"
    status, rows = fuzzed(output, "--targets", FOLDER / "planted.py", "--runs", 20)
    assert status == 1
    assert (rows["crashes"] > 0).to_dict() == {
        name: target.read in planted.DEFECTS for name, target in planted.TARGETS.items()
    }
    told = {
        name: "".join(file.read_text() for file in (tmp_path / "planted" / name).glob("*.txt")) for name in rows.index
    }
    assert "ValueError: planted" in told["raises"]
    assert "not one line" in told["two_lines"]
    assert "kB beside the start" in told["takes_memory"]
    assert "forbidden: open" in told["writes_elsewhere"]
    assert not list(tmp_path.glob("**/elsewhere"))
    assert "forbidden: subprocess.Popen" in told["runs_a_program"]
    (content,) = (file.read_bytes() for file in (tmp_path / "planted" / "raises").glob("*.bin"))
    assert b"\x42" in content


def test_a_short_run_of_every_target_finds_nothing(tmp_path):
    output = tmp_path / "fuzzing.csv"
    status, rows = fuzzed(output, "--runs", 120)
    told = {str(file.relative_to(tmp_path)): file.read_text()[-600:] for file in tmp_path.glob("fuzzing/*/*.txt")}
    assert told == {}
    assert status == 0
    assert list(rows.index) == list(TARGETS)
    assert (rows["executions"] >= 100).all()
    assert (rows["coverage"] > 0).all()
