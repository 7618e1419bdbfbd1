"""Code and configuration that are edited while a run is under way: here, and on a node that reads them again."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from barriers import Barrier
from pipeline.jobs import edits
from projects import (
    DATASET,
    change_config,
    changed_config,
    copy_project,
    edited,
    environment,
    error_lines,
    run_snakemake,
    snakemake_command,
)

LATE = "scripts/spurious/rates.py"
PROGRAM = "scripts/prepare_dataset.py"
DATA = f"results/{DATASET}/data.safetensors"
# Ends as a job does; between the two lines that it reads, it imports what it had not needed before.
JOB = """
from pipeline.jobs.arguments import run
def work():
    print("working", flush=True)
    input()
    import spurious.rates
    print("worked")
run(work)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project whose sources may be edited."""
    return copy_project(tmp_path_factory.mktemp("copy") / "project")


def handed_over(project):
    """What a snakemake that is started in the copy hands to its jobs."""
    code = "from pipeline.jobs import edits; print(edits.started_with(['mine.py'], {}))"
    path = environment() | {"PYTHONPATH": str(project / "scripts")}
    return subprocess.check_output([sys.executable, "-c", code], cwd=project, env=path, text=True)


@pytest.fixture
def started(project):
    """The environment of the jobs of a snakemake that was started in the copy, with `mine.py` as its extension."""
    (project / "mine.py").write_text("KIND = 1\n")
    return environment() | {"PYTHONPATH": str(project / "scripts"), edits.STARTED_WITH: handed_over(project)}


def job(folder, variables, while_it_works=lambda: None):
    """(exit status, what it printed, its errors) of a job in the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOB],
        **{"cwd": folder, "env": variables, "text": True},
        **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE),
    )
    first = process.stdout.readline()
    while_it_works()
    rest, errors = process.communicate("go on\n")
    return process.returncode, first + rest, errors


def told(name):
    return f"error: {name}: changed since snakemake was started; start it again (finished results stay)\n"


def test_a_job_of_an_unchanged_checkout_works(project, started, tmp_path):
    for folder in (project, tmp_path):  # the working directory may be another
        assert job(folder, started) == (0, "working\nworked\n", "")


@pytest.mark.parametrize("name", ["scripts/spurious/errors.py", "scripts/pipeline/jobs/lifetime.py", "mine.py"])
def test_a_job_whose_code_was_edited_ends_in_one_line(project, started, name):
    with edited(project / name):
        assert job(project, started) == (1, "", told(name))


def test_what_a_job_imports_late_counts_too(project, started):
    with contextlib.ExitStack() as edit:
        assert job(project, started, lambda: edit.enter_context(edited(project / LATE))) == (1, "working\n", told(LATE))


def test_a_module_that_was_not_there_is_an_edit(project, started):
    found = json.loads(started[edits.STARTED_WITH])
    del found["code"][LATE]
    assert job(project, started | {edits.STARTED_WITH: json.dumps(found)}) == (1, "working\n", told(LATE))


def test_code_that_a_job_does_not_import_may_be_edited(project, started):
    with edited(project / "scripts/spurious/adam.py"), edited(project / "workflow/rules/linear.smk"):
        assert job(project, started)[0] == 0


def test_a_program_that_no_snakemake_started_is_left_alone(project, started):
    alone = {name: value for name, value in started.items() if name != edits.STARTED_WITH}
    with edited(project / "scripts/spurious/errors.py"):
        assert job(project, alone)[0] == 0


# Here


@pytest.mark.slow
def test_a_local_job_whose_program_was_edited_ends_and_what_was_finished_stays(fresh):
    """A download is about to be put into its place while the program of the next job is edited."""
    barrier = Barrier(fresh / "barrier")
    process = subprocess.Popen(
        snakemake_command(DATA),
        **{"cwd": fresh, "env": environment() | barrier.environment, "stderr": subprocess.PIPE, "text": True},
    )
    while process.poll() is None and not barrier.stopped():
        time.sleep(0.1)
    with edited(fresh / PROGRAM):
        change_config(fresh, {"targets": {"paper": []}})  # is nothing to jobs here, whose command is known
        barrier.open()
        _, errors = process.communicate()
    assert process.returncode == 1
    assert told(PROGRAM) in errors
    assert (fresh / f"results/logs/{DATASET}/prepare_dataset.log").read_text() == told(PROGRAM)
    assert (fresh / f"results/downloads/{DATASET}/archive").exists()
    assert not (fresh / DATA).exists()


# On a node of a cluster

# Never answers: snakemake would take an answer for a failure, call again within a tenth of a second, and then end and
# remove what the job waits for.
RECORDING = """#!/bin/sh
env -0 > {0}.env; printf '%s\\0' "$@" > {0}.new; mv {0}.new {0}; exec sleep 600
"""
SRUN = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"
"""


@pytest.fixture(scope="module")
def submitted(checkout, tmp_path_factory):
    """(project, command, environment) of a job of its splits, as the profile of Slurm hands them to sbatch.

    The snakemake that would wait for the job is ended.
    """
    folder = shutil.copytree(checkout, tmp_path_factory.mktemp("submitted") / "project")
    (folder / "data").mkdir()
    programs = folder.with_name("programs")
    programs.mkdir()
    written = programs / "call"
    for name, text in {"sbatch": RECORDING.format(written), "srun": SRUN, "sinfo": "#!/bin/sh\necho 'all*'\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    variables = environment()
    variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"
    command = [sys.executable, "-m", "snakemake", DATA, "--profile", "profiles/slurm", "--config", "local_data=data"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, cwd=folder, env=variables, **quiet)
    while not written.exists():
        assert process.poll() is None, "snakemake ended before it submitted the job"
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (wrapped,) = [word for word in written.read_text().split("\0") if word.startswith("--wrap=")]
    handed = written.with_name("call.env").read_text().split("\0")
    return folder, wrapped.removeprefix("--wrap="), dict(line.split("=", 1) for line in handed if line)


def on_node(submitted):
    """(exit status, its error lines) of the job on its node."""
    folder, command, variables = submitted
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    return done.returncode, error_lines(done)


def on_slurm(test):
    """A test that is slow, and needs the plugin."""
    absent = not importlib.util.find_spec("snakemake_executor_plugin_slurm")
    return pytest.mark.slow(pytest.mark.skipif(absent, reason="needs requirements-slurm.txt")(test))


@on_slurm
@pytest.mark.parametrize(
    "name", [PROGRAM, "workflow/rules/data.smk", "scripts/spurious/experiments/linear/catalogue.py", "config.yaml"]
)
def test_a_job_on_a_node_ends_where_it_reads_something_else(submitted, name):
    folder, *_ = submitted
    edit = changed_config(folder, {"fooling": {"images": 7}}) if name == "config.yaml" else edited(folder / name)
    with edit:
        status, errors = on_node(submitted)
    assert status != 0
    assert errors == [told(name).strip()]
    assert not (folder / DATA).exists()


@on_slurm
def test_a_job_on_a_node_does_its_work_where_nothing_was_edited(submitted):
    folder, *_ = submitted
    assert on_node(submitted) == (0, [])
    assert (folder / DATA).exists()


@on_slurm
def test_a_job_on_a_node_leaves_the_check_of_the_configuration_to_the_head(submitted):
    """As a scheduler that does not pass the environment on shows: nothing is there to compare with."""
    folder, command, variables = submitted
    alone = {name: value for name, value in variables.items() if name != edits.STARTED_WITH}
    with changed_config(folder, {"typo": 1}):
        assert on_node((folder, command, alone)) == (0, [])
        assert run_snakemake(folder, DATA, check=False).returncode == 1
