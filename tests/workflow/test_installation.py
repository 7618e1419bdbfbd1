"""What make says where Python cannot set up an environment, and what the README says of the CPU build."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CPU = "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def make(tmp_path):
    """Set up `.venv` in an empty folder with a Python that fails at `what`; the error lines and the exit status."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()

    def made(what):
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\ncase "$2" in *{what}*) exit 1;; esac\n')
        python.chmod(0o755)
        command = ["make", ".venv/installed", f"PYTHON={python}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return [line for line in done.stderr.splitlines() if line.startswith("error:")], done.returncode

    return made


def test_python_without_venv_is_one_line(make):
    (line,), status = make("ensurepip")
    assert line.endswith("python lacks venv: install it (Debian, Ubuntu: sudo apt install python3-venv)")
    assert status


def test_an_old_python_is_one_line(make):
    (line,), status = make("version_info")
    assert line == "error: Python 3.11 or newer is needed: install it, or name it by PYTHON=/path/to/python3"
    assert status


@pytest.mark.parametrize("document", ["README.md", "docs/installation.md"])
def test_the_cpu_build_is_one_line(document):
    assert CPU in (ROOT / document).read_text(encoding="utf-8")
