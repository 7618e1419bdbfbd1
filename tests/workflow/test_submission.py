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


WEIGHTS = f"results/{DATASET}/cnn/seed0/weights.safetensors"
ANCHOR = "&gpu {gpu: 1}"  # what all rules that use a GPU ask for, in the profile


@pytest.fixture
def submit(fresh, tmp_path):
    """A function: the options with which sbatch is first called for the splits, or a training if they are there."""
    programs, written = tmp_path / "programs", tmp_path / "call"
    programs.mkdir()
    first = f'echo "$@" > {written}.new; mv {written}.new {written}'
    sbatch = f"[ -e {written} ] || {{ {first}; }}; exit 1"  # the next calls are further attempts, which ask for more
    for name, text in {"sbatch": sbatch, "sinfo": "echo 'all*'"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    variables = environment()
    variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}

    def first_call(target, *options):
        command = [sys.executable, "-m", "snakemake", target, *options, "--profile", "profiles/slurm"]
        process = subprocess.Popen(command, cwd=fresh, env=variables, **quiet)
        while not written.exists() and process.poll() is None:
            time.sleep(0.1)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return written.read_text().partition("--wrap")[0].split()

    return first_call


def ask_for(folder, gpu):
    """Let the profile's rules for GPUs ask for `gpu`, and make the splits, so that a training is the first job."""
    path = folder / "profiles/slurm/config.yaml"
    profile = path.read_text(encoding="utf-8")
    assert ANCHOR in profile
    path.write_text(profile.replace(ANCHOR, f"&gpu {gpu}").replace("{mem_mb:", "{slurm_partition: cpu, mem_mb:"))
    splits = folder / f"results/{DATASET}/data.safetensors"
    splits.parent.mkdir(parents=True)
    splits.touch()


def test_a_job_may_be_requeued_so_that_the_plugin_waits_for_it(submit):
    assert "--requeue" in submit(f"results/{DATASET}/data.safetensors")


def test_a_gpu_may_be_asked_for_by_gres_alone(fresh, submit):
    ask_for(fresh, '{gpu: 0, gres: "gpu:a100:1", slurm_partition: gpu}')
    options = submit(WEIGHTS)
    assert "--gres=gpu:a100:1" in options
    assert not [option for option in options if option.startswith("--gpus")]
    command = [sys.executable, "-m", "snakemake", WEIGHTS, "--profile", "profiles/slurm", "--dry-run", "-p"]
    planned = subprocess.run(command, cwd=fresh, env=environment(), capture_output=True, text=True, check=True).stdout
    assert "--gpu 0 --gres=gpu:a100:1 " in planned


def test_without_a_gpu_no_job_goes_to_the_partition_of_the_gpus(fresh, submit):
    ask_for(fresh, "{gpu: 1, slurm_partition: gpu, gpu_model: a100}")
    options = submit(WEIGHTS, "--resources", "gpu=0")
    assert options[options.index("-p") + 1] == "cpu"
    assert not [option for option in options if option.startswith(("--gpus", "--gres"))]


def test_with_a_gpu_the_job_goes_there(fresh, submit):
    ask_for(fresh, "{gpu: 1, slurm_partition: gpu, gpu_model: a100}")
    options = submit(WEIGHTS)
    assert options[options.index("-p") + 1] == "gpu"
    assert "--gpus=a100:1" in options


def test_a_group_of_tables_asks_for_the_memory_and_the_cpu_of_one(fresh, submit):
    """They take turns, so that it asks for the time of all."""
    names = ["history.csv", "predictions.csv", "weights.safetensors"]
    learned = [
        f"results/{DATASET}/{classifier}/seed{seed}/{name}"
        for classifier in ("cnn", "softmax")
        for seed in (0, 1)
        for name in names
    ]
    for name in (f"results/{DATASET}/data.safetensors", *learned):
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).touch()
    targets = [f"results/{DATASET}/tables/{name}.csv" for name in ("classifiers", "training")]
    options = submit(targets[0], targets[1])
    assert "rule_classifiers_make_table_classifiers_make_table_training" in options
    assert [options[options.index(name) + 1] for name in ("--mem", "-t")] == ["2000", "10"]
    assert {"--ntasks=1", "--cpus-per-task=1"} <= set(options)
