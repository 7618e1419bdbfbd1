"""What the profile of Slurm asks `sbatch` for, by one that only writes down how it was called."""

import importlib.util
import os
import signal
import subprocess
import sys
import time

import pytest

from projects import DATASET, environment

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("snakemake_executor_plugin_slurm"), reason="needs requirements-slurm.txt"
)


@pytest.fixture
def call(fresh, tmp_path):
    """How sbatch was first called for the splits of the tiny data; snakemake is ended then."""
    programs, written = tmp_path / "programs", tmp_path / "call"
    programs.mkdir()
    sbatch = f'echo "$@" > {written}.new; mv {written}.new {written}; exit 1'
    for name, text in {"sbatch": sbatch, "sinfo": "echo 'all*'"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    command = [sys.executable, "-m", "snakemake", f"results/{DATASET}/data.safetensors", "--profile", "profiles/slurm"]
    variables = environment()
    variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, cwd=fresh, env=variables, **quiet)
    while not written.exists() and process.poll() is None:
        time.sleep(0.1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return written.read_text().split()


def test_a_job_may_be_requeued_so_that_the_plugin_waits_for_it(call):
    assert "--requeue" in call
