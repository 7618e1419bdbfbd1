"""What compat.smk changes in Snakemake does what it says, and Snakemake by itself still does otherwise."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from projects import ROOT, environment, error_lines, run_snakemake

OTHER_PROGRAMS = [folder for folder in os.defpath.split(os.pathsep) if folder]
OURS = f"""
import sys
sys.path.insert(0, {str(ROOT / "scripts")!r})
IS_MODULE = False
include: {str(ROOT / "workflow/rules/compat.smk")!r}
"""
# The first job fails where the file "failing" is there, and ends without its output where "silent" is.
RULES = """
rule first:
    output: "first.txt"
    params: config["value"]
    shell: "[ ! -e failing ]; [ -e silent ] || echo {params} > {output}"

rule second:
    input: "first.txt"
    output: "second.txt"
    shell: "cp {input} {output}"

rule on_gpu:
    output: "gpu.txt"
    resources: gpu=1
    shell: "echo granted {resources.gpu} > {output}"

rule surroundings:
    output: "surroundings.txt"
    shell: "{{ command -v python || echo no python; env; }} > {output}"
"""


@pytest.fixture
def project(tmp_path, request):
    (tmp_path / "Snakefile").write_text(request.param + RULES)
    return tmp_path


def run(folder, value, check=True):
    return run_snakemake(folder, "second.txt", "--config", f"value={value}", "--rerun-incomplete", check=check)


def fail_with_another_value(folder):
    """Make both files with the value 1, and let the first job fail with the value 2."""
    run(folder, 1)
    (folder / "failing").touch()
    assert run(folder, 2, check=False).returncode
    (folder / "failing").unlink()


def recorded(folder):
    """The parameters that Snakemake has recorded for first.txt."""
    records = (json.loads(path.read_text()) for path in (folder / ".snakemake/metadata").rglob("*") if path.is_file())
    return [record["params"] for record in records if record["rule"] == "first"]


@pytest.mark.parametrize("project", [OURS], indirect=True)
def test_a_changed_setting_arrives_after_a_failure(project):
    fail_with_another_value(project)
    assert recorded(project) == [["1"]]
    run(project, 2)
    assert (project / "second.txt").read_text() == "2\n"


@pytest.mark.parametrize("project", [""], indirect=True, ids=["plain"])
def test_snakemake_by_itself_still_records_a_failed_job_as_finished(project):
    """Where this fails, keep_records_of_failed_jobs may be no longer needed."""
    fail_with_another_value(project)
    assert recorded(project) == [["2"]]


FORGETFUL = f"""
from snakemake.persistence import PersistenceBase
kept = PersistenceBase.cleanup
{OURS}
PersistenceBase.cleanup = kept
"""


@pytest.mark.parametrize(
    ("project", "kept"), [(OURS, [["1"]]), (FORGETFUL, [])], indirect=["project"], ids=["ours", "with its cleanup"]
)
def test_a_job_that_ended_without_its_output_keeps_its_record(project, kept):
    """Where the second fails, forget_nothing in keep_records_of_failed_jobs may be no longer needed."""
    run(project, 1)
    (project / "silent").touch()
    failed = run_snakemake(project, "second.txt", "--config", "value=2", "--latency-wait", "0", check=False)
    assert failed.returncode
    assert recorded(project) == kept


FAULTY = OURS + 'check_planned_jobs(lambda rule, wildcards: "first is lost" if rule == "first" else None)\n'


@pytest.mark.parametrize("project", [FAULTY], indirect=True)
@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "plan"])
def test_a_planned_job_with_a_fault_ends_the_plan(project, options):
    """And a finished one does not."""
    done = run_snakemake(project, "second.txt", *options, "--config", "value=1", check=False)
    assert (done.returncode, error_lines(done)) == (1, ["error: first is lost"])
    assert "Traceback" not in done.stderr
    assert not (project / "second.txt").exists()
    (project / "first.txt").write_text("1\n")
    assert run_snakemake(project, "second.txt", *options, "--config", "value=1").returncode == 0


@pytest.mark.parametrize("project", [""], indirect=True, ids=["plain"])
def test_snakemake_by_itself_still_plans_a_job_that_is_certain_to_fail(project):
    """Where this fails, Snakemake can be asked what check_planned_jobs asks."""
    (project / "failing").touch()
    assert run_snakemake(project, "second.txt", "--dry-run", "--config", "value=1").returncode == 0
    assert run_snakemake(project, "second.txt", "--config", "value=1", check=False).returncode


VARIABLES = ("GOMP_SPINCOUNT", "MALLOC_TOP_PAD_", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "SPURIOUS_HEAD")


@pytest.mark.parametrize(("project", "ours"), [(OURS, True), ("", False)], indirect=["project"], ids=["ours", "plain"])
def test_only_by_us_jobs_run_our_python_with_our_variables(project, ours, monkeypatch):
    """Of an environment that was not activated. Variables that the user has set stay as they are."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    others = {"PATH": os.pathsep.join(OTHER_PROGRAMS), "OMP_WAIT_POLICY": "active"}
    run_snakemake(project, "surroundings.txt", "--config", "value=1", variables=others)
    python, *lines = (project / "surroundings.txt").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert (Path(python).parent == Path(sys.executable).parent) is ours
    assert [name in found for name in VARIABLES] == [ours] * len(VARIABLES)
    assert found["OMP_WAIT_POLICY"] == "active"


def plan_of_gpu_job(folder):
    """What is printed of a GPU job where the command line says nothing of GPUs."""
    command = [sys.executable, "-m", "snakemake", "gpu.txt", "--dry-run", "--printshellcmds", "--config", "value=1"]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("project", "gpus"), [(OURS, 0), ("", 1)], indirect=["project"], ids=["ours", "plain"])
def test_only_by_us_a_machine_without_a_gpu_grants_none(project, gpus, monkeypatch):
    """Where the second fails, limit_gpu_jobs may be no longer needed."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert f"echo granted {gpus} >" in plan_of_gpu_job(project)


@pytest.fixture
def sbatch(tmp_path):
    """(environment with a Slurm whose sbatch fails, the file in which it writes how it was called)."""
    programs, written = tmp_path / "programs", tmp_path / "call"
    programs.mkdir()
    for name, text in {"sbatch": f'echo "$@" > {written}; exit 1', "sinfo": "echo 'all*'"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    own = environment()
    return own | {"PATH": f"{programs}{os.pathsep}{own['PATH']}"}, written


@pytest.mark.skipif(not importlib.util.find_spec("snakemake_executor_plugin_slurm"), reason="needs the plugin")
@pytest.mark.parametrize(
    ("project", "partition"), [(OURS, "all"), ("", "with_gpus")], indirect=["project"], ids=["ours", "plain"]
)
def test_only_by_us_jobs_on_the_cpu_of_a_cluster_name_no_partition_of_gpus(project, partition, sbatch):
    """Where the second fails, leave_out_requests_for_gpus may be no longer needed."""
    variables, written = sbatch
    of_rule = ["on_gpu:gpu=1", "on_gpu:slurm_partition=with_gpus"]
    options = ["--set-resources", *of_rule, "--resources", "gpu=0", "--executor", "slurm", "--jobs", "1"]
    command = [sys.executable, "-m", "snakemake", "gpu.txt", *options, "--config", "value=1"]
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)
    assert written.exists(), done.stderr
    words = written.read_text().split()
    assert words[words.index("-p") + 1] == partition


# Three jobs that end, each of which wakes the scheduler; then its first timer, which does so again.
WAKING = """
import threading
from types import SimpleNamespace
from snakemake.scheduling.job_scheduler import JobScheduler

def timers():
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]

scheduler = SimpleNamespace(_open_jobs=threading.Semaphore(0))
for _ in range(3):
    JobScheduler._schedule_reevalutation(scheduler, 3600)
first, *others = timers()
first.cancel()
first.join()
first.function(*first.args)
JobScheduler._schedule_reevalutation(scheduler, 3600)
print("timers:", len(others), len(timers()), "woken:", scheduler._open_jobs._value)
for timer in timers():
    timer.cancel()
"""


@pytest.mark.parametrize(
    ("project", "found"),
    [(OURS + WAKING, "timers: 0 1 woken: 1"), (WAKING, "timers: 2 3 woken: 1")],
    indirect=["project"],
    ids=["ours", "plain"],
)
def test_only_by_us_the_scheduler_has_one_timer(project, found):
    """Where the second fails, look_again_once may be no longer needed."""
    listed = run_snakemake(project, "--list-rules", "--config", "value=1")
    assert found in listed.stdout + listed.stderr


# Two functions of one code, one with parameters of its own, and a method by itself and bound, again of one code.
SIGNATURES = """
import inspect
from snakemake import common

read = []
original = inspect.signature
inspect.signature = lambda function: read.append(function) or original(function)

def made(unused):
    return lambda wildcards, attempt: unused

pair, other = [made(1), made(2)], made(3)
class Some:
    def method(self, wildcards):
        pass

common.overwrite_function_params(other, {"wildcards": None})
functions = (*pair, *pair, other, Some.method, Some().method)
found = [list(common.get_function_params(function)) for function in functions]
print("read:", len(read), "found:", *("+".join(names) for names in found))
inspect.signature = original
"""


@pytest.mark.parametrize(
    ("project", "times"), [(OURS + SIGNATURES, 3), (SIGNATURES, 6)], indirect=["project"], ids=["ours", "plain"]
)
def test_only_by_us_functions_of_one_code_are_read_once(project, times):
    """Where the second fails, read_signatures_once may be no longer needed."""
    listed = run_snakemake(project, "--list-rules", "--config", "value=1")
    expected = f"read: {times} found: {' '.join(4 * ['wildcards+attempt'])} wildcards self+wildcards wildcards"
    assert f"{expected}\n" in listed.stdout + listed.stderr


# What was formatted is printed when snakemake ends.
FORMATTING = """
import atexit
from snakemake.jobs import Job

formatted, original = [], Job.format_wildcards
Job.format_wildcards = lambda job, string, **more: formatted.append(string) or original(job, string, **more)
atexit.register(lambda: print("formatted:", len(formatted)))
"""


@pytest.mark.parametrize(
    ("project", "options", "some"),
    [
        (OURS + FORMATTING, ["--quiet", "rules"], False),
        (OURS + FORMATTING, [], True),
        (FORMATTING, ["--quiet", "rules"], True),
    ],
    indirect=["project"],
    ids=["ours", "ours, printed", "plain"],
)
def test_only_by_us_a_dry_run_formats_no_jobs_that_it_does_not_print(project, options, some):
    """Where the last fails, format_no_job_unseen may be no longer needed."""
    command = ["second.txt", "--dry-run", *options, "--config", "value=1"]
    planned = run_snakemake(project, *command)
    text = planned.stdout + planned.stderr
    assert ("formatted: 0" not in text) is some
    assert "formatted: " in text
    assert ("rule second" in text) is (not options)


@pytest.mark.parametrize(("project", "kept"), [(OURS, True), ("", False)], indirect=["project"], ids=["ours", "plain"])
def test_only_by_us_garbage_is_looked_for_seldom(project, kept):
    (project / "Snakefile").write_text(
        (project / "Snakefile").read_text() + "\nimport gc\nprint('after', gc.get_threshold()[0])\n"
    )
    listed = run_snakemake(project, "--list-rules", "--config", "value=1")
    assert ("after 100000" in listed.stdout + listed.stderr) is kept
