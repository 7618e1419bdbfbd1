"""GPU jobs on one machine: as many at once as it has GPUs, each on its own, and on the CPU where there is none."""

import errno
import importlib.util
import os
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from pipeline.jobs import devices
from pipeline.jobs.arguments import Parser, add_compute_arguments
from pipeline.jobs.surroundings import usable_gpus
from projects import DATASET, environment

WEIGHTS = f"results/{DATASET}/cnn/seed0/weights.safetensors"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that lets this machine have as many GPUs as it is told, by what nvidia-smi prints."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def with_gpus(number):
        program = programs / "nvidia-smi"
        program.write_text("#!/bin/sh\n" + "echo NVIDIA A2\n" * number)
        program.chmod(0o755)

    return with_gpus


@pytest.mark.parametrize(
    ("installed", "visible", "usable"),
    [
        (0, None, 0),
        (0, "0", 0),
        (1, "GPU-8a,GPU-9", 1),
        (2, None, 2),
        (2, "1", 1),
        (2, "0,1", 2),
        (2, "", 0),
        (2, "-1", 0),
    ],
)
def test_gpus_that_a_job_may_use(machine, monkeypatch, installed, visible, usable):
    machine(installed)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert usable_gpus() == usable


@pytest.mark.parametrize(
    ("variables", "granted"),
    [
        ({}, 5),
        ({"SLURM_CPUS_PER_TASK": "2", "SLURM_CPUS_ON_NODE": "3"}, 2),
        ({"SLURM_CPUS_ON_NODE": "3"}, 3),
        ({"SLURM_CPUS_PER_TASK": "64"}, 5),
        ({"SLURM_CPUS_PER_TASK": ""}, 5),
    ],
)
def test_readers_use_the_cpus_that_were_granted(monkeypatch, variables, granted):
    """Not those of the whole node, on which a task may run where Slurm binds it to none."""
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.delenv("SLURM_CPUS_ON_NODE", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(5), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert devices.granted_cpus() == granted


def test_no_program_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert usable_gpus() == 0


@pytest.mark.parametrize(
    ("given", "granted"),
    [
        ((1, ""), 1),
        ((0, ""), 0),
        ((0, "gpu"), 1),
        ((0, "gpu:2"), 2),
        ((0, "gpu:a100"), 1),
        ((0, "gpu:a100:2"), 2),
        ((0, "shard:4"), 0),
        ((1, "gpu:1"), 1),
    ],
)
def test_a_gpu_asked_for_by_gres_is_granted(given, granted):
    parser = Parser()
    add_compute_arguments(parser)
    gpu, gres = given
    assert parser.parse_args(["--gpu", str(gpu), "--gres", gres]).gpu == granted


def planned(folder, *options):
    """What --gpu is in the command of each planned training."""
    command = [sys.executable, "-m", "snakemake", WEIGHTS, "--dry-run", "--printshellcmds", *options]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"train_classifier\.py .*--gpu (\d+)", done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("gpus", "options", "granted"), [(0, [], "0"), (2, [], "1"), (2, ["--resources", "gpu=0"], "0")]
)
def test_a_gpu_is_granted_where_there_is_one(checkout, machine, gpus, options, granted):
    machine(gpus)
    assert planned(checkout, *options) == [granted]


@pytest.mark.skipif(
    not importlib.util.find_spec("snakemake_executor_plugin_slurm"), reason="needs requirements-slurm.txt"
)
def test_a_cluster_grants_gpus_whatever_the_head_node_has(checkout, machine):
    machine(0)
    assert planned(checkout, "--profile", "profiles/slurm") == ["1"]


# A GPU job that meets another one fails. It stays until two other jobs have run, one after the other, or, where it is
# to be met, until it was: no job's speed decides what is seen.
NOTING = """
rule on_gpu:
    output: touch("results/gpu-{{number}}.txt")
    resources: gpu=1
    shell: "mkdir busy || {{{{ touch met; exit 1; }}}}; until [ -e {awaited} ]; do sleep .1; done; rmdir busy"

rule first:
    output: touch("results/first.txt")

rule second:
    input: "results/first.txt"
    output: touch("results/second.txt")
"""


@pytest.mark.parametrize(("gpus", "awaited"), [(1, "results/second.txt"), (2, "met")], ids=["one GPU", "two GPUs"])
def test_gpu_jobs_wait_for_each_other_and_others_do_not(fresh, machine, gpus, awaited):
    """Three cores: on one GPU its second job waits though a core is free; on two both run, which is noticed."""
    machine(gpus)
    (fresh / "workflow/rules/noting.smk").write_text(NOTING.format(awaited=awaited))
    with (fresh / "Snakefile").open("a") as file:
        file.write('\ninclude: "workflow/rules/noting.smk"\n')
    targets = ["results/gpu-0.txt", "results/gpu-1.txt", "results/second.txt"]
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "3"]
    done = subprocess.run(
        command, cwd=fresh, env=environment(), capture_output=True, text=True, check=False, timeout=600
    )
    assert (done.returncode == 0) == (gpus == 1), done.stdout + done.stderr
    assert (fresh / "met").exists() == (gpus == 2)
    assert [(fresh / target).exists() for target in targets].count(True) == (3 if gpus == 1 else 2)


HOLD = """
import sys
from pipeline.jobs import devices
from pipeline.jobs.arguments import Parser, add_compute_arguments
print(devices.claim_first_free(sys.argv[1:]), flush=True)
input()
"""


@pytest.fixture
def claiming(tmp_path, monkeypatch):
    """A function that starts a process which claims one of two devices: (process, index)."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started = []

    def claim():
        scripts = Path(devices.__file__).parents[2]
        settings = os.environ | {"PYTHONPATH": str(scripts), "TMPDIR": str(tmp_path)}
        command = [sys.executable, "-c", HOLD, "one", "two"]
        process = subprocess.Popen(command, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, int(process.stdout.readline())

    yield claim
    for process in started:
        process.kill()
        process.communicate()


def test_every_job_has_a_device_of_its_own_as_long_as_there_are_some(claiming):
    assert claiming()[1] == 0
    assert claiming()[1] == 1
    assert claiming()[1] == 0, "shared when there are more jobs than devices"


def test_a_killed_job_leaves_its_device(claiming):
    claiming()
    second, index = claiming()
    assert index == 1
    second.kill()
    second.wait()
    assert claiming()[1] == 1


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_shares_the_first_device(tmp_path, monkeypatch, number):
    def refuse(handle, operation):
        opened.append(handle)
        raise OSError(number, os.strerror(number))

    opened = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("fcntl.flock", refuse)
    assert devices.claim_first_free(["one", "two"]) == 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(*opened)


def test_a_job_computes_in_float32_and_the_same_every_time(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    devices.prepare_compute(Namespace(threads=torch.get_num_threads(), gpu=1))
    assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.deterministic


def test_a_record_names_the_model_of_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", {torch.device("cuda", 1): "NVIDIA H100"}.get)
    assert devices.name_of(torch.device("cuda", 1)) == "NVIDIA H100"
    assert devices.name_of(torch.device("cpu")) == "cpu"


@pytest.mark.parametrize(
    ("cuda", "visible", "why"),
    [
        (None, "0", "this build of torch is for the CPU only"),
        ("13.0", "", "CUDA_VISIBLE_DEVICES names none"),
        ("13.0", "0", "Torch not compiled with CUDA enabled"),
    ],
)
def test_a_granted_gpu_that_torch_cannot_use_is_named(monkeypatch, capsys, cuda, visible, why):
    def refuse():
        raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", refuse)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    arguments = Namespace(threads=torch.get_num_threads(), gpu=1)
    assert devices.prepare_compute(arguments) == torch.device("cpu")
    assert capsys.readouterr().err.splitlines() == [
        f"note: a GPU was granted, but torch cannot use it ({why}); the CPU computes, in float32"
    ]
    devices.prepare_compute(Namespace(**vars(arguments) | {"gpu": 0}))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("flags", "precision", "device", "noted"),
    [
        ("fpu avx2 avx512f", "bfloat16", "cpu", True),
        ("fpu avx512_bf16", "bfloat16", "cpu", False),
        ("fp asimd bf16", "bfloat16", "cpu", False),
        ("fpu avx2", "float32", "cpu", False),
        ("fpu avx2", "bfloat16", "cuda", False),
        (None, "bfloat16", "cpu", False),
    ],
)
def test_bfloat16_on_a_processor_that_lacks_it_is_noted(tmp_path, monkeypatch, capsys, flags, precision, device, noted):
    monkeypatch.setattr(devices, "PROCESSOR", tmp_path / "cpuinfo")
    if flags is not None:
        devices.PROCESSOR.write_text(f"flags\t\t: {flags}\n")
    devices.note_slow_precision(precision, torch.device(device))
    assert ("no instructions for bfloat16" in capsys.readouterr().err) == noted


def test_device_is_a_gpu_only_where_one_is_granted_and_there(claiming, monkeypatch):
    arguments = Namespace(threads=torch.get_num_threads(), gpu=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.prepare_compute(arguments) == torch.device("cpu")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Namespace(uuid=("one", "two")[index]))
    assert devices.prepare_compute(Namespace(**vars(arguments) | {"gpu": 0})) == torch.device("cpu")
    claiming()
    assert devices.prepare_compute(arguments) == torch.device("cuda", 1)
