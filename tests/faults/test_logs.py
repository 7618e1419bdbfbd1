"""What a job says last is in its log, and seen by snakemake, when the job has ended."""

import os
import re
import subprocess

import pytest

from projects import ROOT, written_rules

SHELLS = {name: text for name, text in written_rules().items() if "shell:" in text}


def endings():
    """{rule: where the shell line sends what the program prints}."""
    return {name: re.search(r"2>\S.*?(?=\"\n|\"$)", text) for name, text in SHELLS.items()}


@pytest.mark.parametrize("ending", sorted({found[0] for found in endings().values()}))
@pytest.mark.parametrize("status", [0, 1])
def test_the_last_line_is_in_the_log_and_the_exit_status_is_the_programs(tmp_path, ending, status):
    """With a tee that begins late: a shell that does not wait for it would have ended before the line is written."""
    slow = tmp_path / "tee"
    slow.write_text('#!/bin/sh\nsleep .3\nexec /usr/bin/tee "$@"\n')
    slow.chmod(0o755)
    log = tmp_path / "job.log"
    program = f"bash -c 'echo error: last line >&2; exit {status}'"
    command = ["bash", "-c", f"set -euo pipefail; {program} {ending.format(log=log)}"]
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    with (tmp_path / "seen").open("w") as seen:
        done = subprocess.run(command, env=os.environ | path, cwd=ROOT, stderr=seen, check=False)
    assert done.returncode == status
    assert log.read_text() == "error: last line\n"
    assert (tmp_path / "seen").read_text() == "error: last line\n"


@pytest.mark.parametrize("ending", sorted({found[0] for found in endings().values()}))
def test_results_that_are_printed_do_not_overwrite_what_was_said_before(tmp_path, ending):
    log = tmp_path / "job.log"
    program = "bash -c 'echo note: first >&2; sleep .2; echo rows; sleep .2; echo error: last >&2'"
    command = ["bash", "-c", f"set -euo pipefail; {program} {ending.format(log=log)}"]
    subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL, check=True)
    assert log.read_text() == "note: first\nrows\nerror: last\n"


def test_every_job_has_a_log():
    assert all(endings().values())
