"""Every rule through the profile of Slurm: the same tables, GPUs as asked for, and nothing lost with a job or the head.

Slurm is a real one with two nodes on this machine, whose GPUs are some by name only (slurm.py). `squeue` stands in for
the accounting that a real cluster has.
"""

import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from barriers import Barrier
from cluster import slurm
from projects import DATASET, SINGLE, contents, environment, rules_with_gpu, run_snakemake

pytestmark = pytest.mark.skipif(slurm.no_tests() is not None, reason=f"no Slurm here: {slurm.no_tests()}")
ROOT = Path(__file__).parents[2]
PROFILE = ["--profile", "profiles/slurm"]
# A test cluster answers at once and has no accounting.
HASTE = {
    "--jobs": 6,
    "--latency-wait": 5,
    "--seconds-between-status-checks": 1,
    "--slurm-init-seconds-before-status-checks": 1,
    "--slurm-status-command": "squeue",
}
ONE_TRAINING = [f"results/{DATASET}/cnn/seed0/predictions.csv"]
GROUPED = {
    "classifiers": ["tables/classifiers.csv", "tables/training.csv", "figures/worst-cnn.png"],
    "linear": ["tables/linear.csv", "tables/linear-pair.csv", "figures/linear.png", "figures/templates.png"],
}
DENOISER = "cnn/seed0/denoisers/dncnn.safetensors"  # which the tiny demo does without
MEASURED = pd.read_csv(ROOT / "docs/measured/resources.csv")["rule"]
TRAINING = r"scripts/train_classifier\.py"
MOST_SECONDS = 900


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory):
    """A Slurm that is up: the one that `python tests/cluster/slurm.py start` has started, or one for these tests."""
    if slurm.is_up():
        yield
    else:
        with slurm.running(tmp_path_factory.mktemp("slurm")):
            yield


@pytest.fixture(scope="module")
def sample(checkout, cluster, tmp_path_factory):
    """(folder, its jobs) of every rule of the tiny demo through Slurm."""
    folder = shutil.copytree(checkout, tmp_path_factory.mktemp("sample") / "project")
    submit(folder, *SINGLE, *(f"results/{DATASET}/{name}" for name in [DENOISER, *itertools.chain(*GROUPED.values())]))
    return folder, finished_jobs(folder)


def command(*targets):
    options = map(str, itertools.chain.from_iterable(HASTE.items()))
    return [sys.executable, "-m", "snakemake", *targets, *PROFILE, *options]


def submit(folder, *targets, check=True):
    """Run snakemake with the profile of Slurm in `folder`."""
    done = subprocess.run(
        command(*targets),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def jobs_of(folder):
    """A dictionary of Slurm's fields for every job from `folder`, ended or not."""
    listed = subprocess.run(["scontrol", "show", "job", "-o"], capture_output=True, text=True, check=True).stdout
    jobs = (dict(re.findall(r"(\S+?)=(.*?)(?= +\S+?=|$)", line)) for line in listed.splitlines())
    return [job for job in jobs if job.get("WorkDir") == str(folder)]


def finished_jobs(folder):
    return [job for job in jobs_of(folder) if job["JobState"] == "COMPLETED"]


def rule_of(job):
    """The rule of a job; of a group, its experiment and the first of its rules."""
    return re.match(r"(?:rule_)([\w.]+?)(?:_wildcards_|$)", job["Comment"])[1]


def has_gpu(job):
    return "gres/gpu" in job["TRES"] or "gpu" in job.get("TresPerJob", "")


def seconds(job, field):
    return time.mktime(time.strptime(job[field], "%Y-%m-%dT%H:%M:%S"))


def sharing(jobs):
    """Pairs of jobs that were on one node at the same time; Slurm gives whole seconds."""
    pairs = itertools.combinations(jobs, 2)
    return [(a, b) for a, b in pairs if a["NodeList"] == b["NodeList"] and together(a, b)]


def together(a, b):
    return max(seconds(a, "StartTime"), seconds(b, "StartTime")) < min(seconds(a, "EndTime"), seconds(b, "EndTime"))


def tables(folder):
    """{path: sha256} of every table, and of every CSV file that they are made from."""
    found = contents(folder / "results", "**/*.csv")
    assert found
    return found


def start(folder, barrier):
    """Snakemake in a session of its own, whose trainings stand still at the barrier: they run until they are seen."""
    return subprocess.Popen(
        command(*ONE_TRAINING),
        cwd=folder,
        env=environment() | barrier.environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for_training(folder, process, barrier):
    """The id of a training as soon as it runs and has come to the barrier."""
    while process.poll() is None:
        running = [job for job in jobs_of(folder) if job["JobState"] == "RUNNING"]
        found = [job["JobId"] for job in running if rule_of(job) == "train_classifier"]
        if found and barrier.stopped():
            return found[0]
        time.sleep(0.1)
    raise AssertionError("no training ran")


def wait_for_end(folder, number):
    """Wait until Slurm says that the job with this id has ended."""
    while any(job["JobId"] == number and job["JobState"] in ("RUNNING", "COMPLETING") for job in jobs_of(folder)):
        time.sleep(0.1)


def wait_for_state(folder, number, state):
    """Wait until Slurm says that the job with this id has come to the state."""
    while not any(job["JobId"] == number and job["JobState"] == state for job in jobs_of(folder)):
        time.sleep(0.1)


def release(number):
    """Let a requeued job start two seconds from now, not two minutes.

    Slurm compares whole seconds: a job that starts in the one in which it was killed fails ("Job credential revoked").
    """
    subprocess.run(["scontrol", "update", f"JobId={number}", "StartTime=now+2"], check=True)


def test_the_files_are_those_of_the_local_run(sample, finished):
    """Made a second time, by other numbers of cores: a job of every rule, and what it needs."""
    folder, _ = sample
    local, through_slurm = (contents(each / "results", f"{DATASET}/**/*") for each in (finished, folder))
    again = {name: content for name, content in through_slurm.items() if "/denoisers/" not in name}
    assert len(again) > 40
    assert again == {name: local[name] for name in again}


def test_every_job_ran_once(sample):
    folder, jobs = sample
    comments = [job["Comment"] for job in jobs]
    assert len(comments) == len(set(comments)) == len(jobs_of(folder))
    ran = {rule_of(job) for job in jobs}
    assert not {"fetch_file"} & ran, "it stays where snakemake runs"
    assert ran >= set(MEASURED) - {"make_store"}


def test_tables_and_figures_of_an_experiment_are_one_job(sample):
    _, jobs = sample
    shown = [rule_of(job) for job in jobs if re.search("make_table|draw", rule_of(job))]
    assert sorted(re.split("_(?:draw|make_table)_", name)[0] for name in shown) == list(GROUPED)


def test_gpu_jobs_and_only_those_asked_for_a_gpu(sample):
    _, jobs = sample
    assert {rule_of(job) for job in jobs if has_gpu(job)} == rules_with_gpu()
    assert all(has_gpu(job) == (rule_of(job) in rules_with_gpu()) for job in jobs)


def test_two_gpu_jobs_never_shared_one(sample):
    _, jobs = sample
    with_gpu = [job for job in jobs if has_gpu(job)]
    assert any(itertools.starmap(together, itertools.combinations(with_gpu, 2))), "both GPUs were in use at once"
    assert sharing(with_gpu) == []


def test_sharing_would_be_seen():
    def job(node, start, end):
        return {"NodeList": node, "StartTime": f"2026-01-01T00:00:{start}", "EndTime": f"2026-01-01T00:00:{end}"}

    first, after, same, elsewhere = job("a", 10, 20), job("a", 20, 30), job("a", 19, 21), job("b", 10, 20)
    assert sharing([first, after, elsewhere]) == []
    assert sharing([first, same, elsewhere]) == [(first, same)]


def test_memory_and_time_are_asked_for(sample):
    _, jobs = sample
    assert all(re.search(r"mem=\d+", job["TRES"]) for job in jobs)
    assert all(job["TimeLimit"] != "UNLIMITED" for job in jobs)
    training = next(job for job in jobs if rule_of(job) == "train_classifier")
    splits = next(job for job in jobs if rule_of(job) == "prepare_dataset")
    assert seconds_of(training["TimeLimit"]) > seconds_of(splits["TimeLimit"])


def seconds_of(limit):
    hours, minutes, rest = map(int, limit.rpartition("-")[2].split(":"))
    return 3600 * hours + 60 * minutes + rest


def test_a_cancelled_job_is_tried_again_with_more_memory(fresh, finished):
    barrier = Barrier(fresh / "barrier", TRAINING)
    process = start(fresh, barrier)
    cancelled = wait_for_training(fresh, process, barrier)
    subprocess.run(["scancel", cancelled], check=True)
    wait_for_end(fresh, cancelled)
    barrier.open()
    assert process.wait(MOST_SECONDS) == 0
    (before,) = (job for job in jobs_of(fresh) if job["JobId"] == cancelled)
    again = [job for job in jobs_of(fresh) if job["Comment"] == before["Comment"]]
    assert [memory_of(job) for job in again] == [memory_of(before), 2 * memory_of(before)]
    assert tables(fresh).items() <= tables(finished).items()


def memory_of(job):
    """The memory that a job asks for, MB."""
    return int(re.search(r"mem=(\d+)M", job["TRES"])[1])


def test_a_requeued_training_goes_on_and_ends_in_the_same_weights(rerun, finished):
    """The first checkpoint is in its place when Slurm takes the job back, and the next is about to be."""
    learned = f"results/{DATASET}/cnn/seed0"
    shutil.rmtree(rerun / learned)
    barrier = Barrier(rerun / "barrier", TRAINING, rename=2)
    process = start(rerun, barrier)
    number = wait_for_training(rerun, process, barrier)
    checkpoint = rerun / learned / "checkpoint.safetensors"
    assert checkpoint.exists()
    subprocess.run(["scontrol", "requeue", number], check=True)
    wait_for_state(rerun, number, "PENDING")
    barrier.open()
    release(number)
    assert process.wait(MOST_SECONDS) == 0
    (job,) = jobs_of(rerun)
    assert (job["JobId"], job["Restarts"], job["JobState"]) == (number, "1", "COMPLETED"), "no second job beside it"
    log = (rerun / f"results/logs/{DATASET}/cnn/train_seed0.log").read_text()
    assert " 8/40 " in log
    assert " 4/40 " not in log, "from the checkpoint on"
    assert contents(rerun / learned, "*.*") == contents(finished / learned, "*.*")


def test_a_killed_head_is_recovered_as_documented(fresh, finished):
    barrier = Barrier(fresh / "barrier", TRAINING)
    process = start(fresh, barrier)
    wait_for_training(fresh, process, barrier)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert any(job["JobState"] in ("RUNNING", "PENDING") for job in jobs_of(fresh)), "orphans are left"
    recover(linked(fresh))
    assert not any(job["JobState"] in ("RUNNING", "PENDING") for job in jobs_of(fresh))
    complete = {path: path.stat().st_mtime_ns for path in outputs_without_mark(fresh)}
    submit(fresh, *ONE_TRAINING)
    assert tables(fresh).items() <= tables(finished).items()
    assert complete == {path: path.stat().st_mtime_ns for path in complete}, "what was finished is not written again"
    assert "Nothing to be done" in run_snakemake(fresh, *ONE_TRAINING).stderr


def linked(folder):
    """A symbolic link to the folder."""
    link = folder.with_name("link")
    link.symlink_to(folder)
    return link


def recover(folder):
    """The commands of docs/cluster.md, as they stand there; the last is the command that was killed."""
    text = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    section = text[text.index("## After a lost session") :]
    script = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    assert script.rstrip().splitlines()[-1].startswith("snakemake --profile profiles/slurm")
    lines = "".join(script.splitlines(keepends=True)[:-1])
    entered = f"cd {shlex.quote(str(folder))}\n{lines}"  # by cd, so that a link stays one in $PWD
    subprocess.run(["bash", "-ec", entered], env=environment(), check=True)


def outputs_without_mark(folder):
    """Results that Snakemake does not hold for incomplete."""
    listed = run_snakemake(folder, *ONE_TRAINING, "--summary", check=True).stdout
    rows = [line.split("\t") for line in listed.splitlines() if line.startswith("results/")]
    assert rows
    return [folder / row[0] for row in rows if row[-2] == "ok" and row[-1] == "no update"]
