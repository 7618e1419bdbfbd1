"""Disturb a run of the pipeline, recover as the documents say, and see whether anything was lost."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil

from barriers import Barrier
from projects import (
    DATASET,
    contents,
    copy_project,
    environment,
    error_lines,
    make_tiny,
    read_config,
    run_snakemake,
    snakemake_command,
    write_config,
)

TABLES = f"results/{DATASET}/tables"
TARGETS = tuple(f"{TABLES}/{name}.csv" for name in ("classifiers", "smoothing"))
SMALL = {"seeds": [0], "classifiers": ["cnn", "softmax"], "smoothing": ["softmax"]}
CORES = 2
GRACE = 600  # seconds, of which importing torch on a busy machine may take many
UNFINISHED = re.compile(r"(^|/)\.|\.part$|(^|/)checkpoint\.safetensors$")  # not at a final place
JOB = re.compile(r"scripts/\w+\.py")


@dataclass
class Outcome:
    """What came of one injection of a fault.

    `struck` are the scripts that were running, `hit` their processes.
    `wrong` are files at their final place right after the fault whose content is not that of the undisturbed run,
    `different` those that differ, lack or are too many after the recovery. `finished` and `repeated` count jobs:
    done when the fault struck, and of these done again by the recovery. `left` are temporary files at the end.
    """

    fault: str
    struck: list[str] = field(default_factory=list)
    hit: list[psutil.Process] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    tables: int = 0
    finished: int = 0
    repeated: int = 0
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def lost(self) -> list[str]:
        """All that speaks against "nothing was lost"."""
        again = [f"{self.repeated} finished jobs done again"] if self.repeated else []
        return [*self.wrong, *self.different, *again, *self.problems]


@dataclass(frozen=True)
class Undisturbed:
    """What the same run makes in peace: {path under results: sha256}, its seconds and its number of jobs."""

    files: dict[str, str]
    seconds: float
    jobs: int


def small_project(folder: Path) -> Path:
    """The tiny demo with one seed and two of its experiments: eight jobs."""
    config = read_config(make_tiny(copy_project(folder)))
    experiment = config["experiments"][DATASET]
    left_out = {key: type(value)() for key, value in experiment.items()}  # [], {}, False
    config["experiments"][DATASET] = left_out | SMALL | {"override": experiment["override"]}
    write_config(folder, config)
    return folder


def undisturbed(folder: Path, targets: Sequence[str] = TARGETS) -> Undisturbed:
    """Run the targets in `folder` in peace."""
    start = time.perf_counter()
    done = run_snakemake(folder, *targets, cores=CORES)
    seconds = time.perf_counter() - start
    return Undisturbed(contents(folder / "results"), seconds, planned(done.stdout + done.stderr))


def planned(text: str) -> int:
    """How many jobs a run said it would do."""
    found = re.search(r"^total +(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def done_jobs(text: str) -> int:
    """How many jobs a run said it had done."""
    return len(re.findall(r"^Finished jobid: \d+", text, re.MULTILINE))


def compare(outcome: Outcome, folder: Path, expected: dict[str, str]) -> None:
    """Note in `outcome` what of the results differs from the undisturbed run, and what temporary is left."""
    found = contents(folder / "results")
    outcome.left = [name for name in found if UNFINISHED.search(name)]
    final = {name: content for name, content in found.items() if name not in outcome.left}
    names = sorted(final.keys() | expected.keys())
    outcome.different = [name for name in names if final.get(name) != expected.get(name)]
    outcome.tables = sum(name.endswith(".csv") for name in expected)


def wrong_files(folder: Path, expected: dict[str, str]) -> list[str]:
    """Files at a final place that are not what the undisturbed run has there."""
    found = contents(folder / "results")
    return [name for name in found if not UNFINISHED.search(name) and found[name] != expected.get(name)]


def complaints(done: subprocess.CompletedProcess, *parts: str, one_line: bool = False) -> list[str]:
    """What is wrong with the way in which a run failed: it must say all parts in every line of ours, and no traceback.

    There must be such a line, and with `one_line` no second one.
    """
    lines = error_lines(done)
    clear = all(part in line for line in lines for part in parts) and (len(lines) == 1 if one_line else lines)
    found = {
        "the run did not fail": done.returncode == 0,
        f"unclear message: {lines}": not clear,
        "a traceback": "Traceback" in done.stdout + done.stderr,
    }
    return [text for text, holds in found.items() if holds]


# Kills


@dataclass(frozen=True)
class Kill:
    """SIGKILL to some of the processes of a run.

    It comes so many seconds after the start of the run, or, where a `script` is named, when a job that runs it is about
    to put its first file in place.
    """

    kind: str
    moment: float = 0
    script: str = ""


def kill_head(head: psutil.Process, job: psutil.Process | None) -> None:
    """The snakemake process alone, as by the out-of-memory killer."""
    head.kill()


def kill_job(head: psutil.Process, job: psutil.Process) -> None:
    """The computing process of one job alone."""
    job.kill()


def kill_shell(head: psutil.Process, job: psutil.Process) -> None:
    """The shell between snakemake and one job: the computing process loses its parent."""
    shell = job.parent()
    if shell not in descendants(head):  # it has ended, and somebody else has adopted the job
        raise psutil.NoSuchProcess(job.pid)
    shell.kill()


def kill_all(head: psutil.Process, job: psutil.Process | None) -> None:
    """Everything at once, as when the machine is switched off."""
    os.killpg(head.pid, signal.SIGKILL)


KINDS: dict[str, Callable[[psutil.Process, psutil.Process | None], None]] = {
    "head killed": kill_head,
    "job killed": kill_job,
    "shell of a job killed": kill_shell,
    "head and jobs killed": kill_all,
}


def kills(count: int, seed: int, seconds: float) -> list[Kill]:
    """`count` kills, the kinds in turn, each in the first 60 % of the seconds that an undisturbed run takes."""
    moments = np.random.default_rng(seed).uniform(0, 0.6 * seconds, count)
    return [Kill(list(KINDS)[index % len(KINDS)], float(moment)) for index, moment in enumerate(moments)]


def jobs(head: psutil.Process) -> list[psutil.Process]:
    """The computing processes below snakemake."""
    return [child for child in descendants(head) if JOB.fullmatch([*command(child), "", ""][1])]


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """All processes below this one; none where it has ended."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def command(process: psutil.Process) -> list[str]:
    """The command line of a process; empty where it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextlib.contextmanager
def started(folder: Path, log: Path, *arguments: str, barrier: Barrier | None = None) -> Iterator[psutil.Popen]:
    """Snakemake, running in a session of its own and writing to `log`; nothing of it is left at the end.

    Its jobs stop at the barrier, if there is one.
    """
    with log.open("wb") as output:
        head = psutil.Popen(
            snakemake_command(*arguments, cores=CORES),
            cwd=folder,
            env=environment() | (barrier.environment if barrier else {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield head
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(head.pid, signal.SIGKILL)
        head.wait()


def wait_for(find: Callable[[], object], head: psutil.Popen) -> object:
    """What `find` returns as soon as it is something; None where snakemake ends before."""
    while head.poll() is None:
        if found := find():
            return found
        time.sleep(0.005)
    return None


def killed_until_finished(
    folder: Path, pending: list[Kill], expected: Undisturbed, targets: Sequence[str] = TARGETS
) -> list[Outcome]:
    """Run, kill, recover and kill again, until a run is over before its kill or none is pending; then compare.

    Removes from `pending` what was injected. Jobs that outlive their snakemake are left alone: as for a user, they
    would go on beside the next run.
    """
    outcomes, finished, over = [], 0, False
    with contextlib.ExitStack() as stack:
        while pending and not over:
            kill = pending[0]
            barrier = Barrier(folder / f"barrier{len(pending)}", kill.script) if kill.script else None
            head = stack.enter_context(started(folder, folder / "run.log", *targets, barrier=barrier))
            outcome = struck(kill.kind, head, barrier) if barrier else injected(kill, head)
            head.wait()  # where only a job was killed, snakemake goes on as far as it can
            done = done_jobs((folder / "run.log").read_text(encoding="utf-8", errors="replace"))
            finished += done
            over = outcome is None
            if over:
                pending[0] = replace(kill, moment=kill.moment / 2)
            else:
                outcome.wrong, outcome.finished = wrong_files(folder, expected.files), done
                outcomes.append(outcome)
                recover(folder, pending.pop(0), outcome)
        last = run_snakemake(folder, *targets, cores=CORES)
    finished += done_jobs(last.stdout + last.stderr)
    for outcome in outcomes:
        compare(outcome, folder, expected.files)
    if outcomes:
        outcomes[-1].repeated = finished - expected.jobs
    return outcomes


def live_on(processes: Sequence[psutil.Process]) -> bool:
    """Whether one of them is still there after GRACE seconds: a job notices only when its imports are done."""
    end = time.monotonic() + GRACE
    while any(map(is_there, processes)):
        if time.monotonic() > end:
            return True
        time.sleep(0.1)
    return False


def is_there(process: psutil.Process) -> bool:
    """Whether it runs, and is no zombie that nobody has waited for."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def recover(folder: Path, kill: Kill, outcome: Outcome) -> None:
    """What the documents say to do before the same command again: unlock, where snakemake itself was killed."""
    if "head" in kill.kind:
        run_snakemake(folder, "--unlock")
    outcome.problems += ["a job outlived its snakemake"] * bool("head" in kill.kind and live_on(outcome.hit))


def injected(kill: Kill, head: psutil.Popen) -> Outcome | None:
    """Kill at the kill's moment, where a job is wanted as soon as there is one; None where the run was over before."""
    with contextlib.suppress(psutil.TimeoutExpired):
        head.wait(timeout=kill.moment)
    wants_job = kill.kind in ("job killed", "shell of a job killed")
    while wait_for(lambda: jobs(head) or not wants_job, head):
        hit = jobs(head)
        with contextlib.suppress(psutil.NoSuchProcess):  # the job ended in the meantime
            if hit or not wants_job:
                return killed(kill.kind, head, hit)
    return None


def struck(kind: str, head: psutil.Popen, barrier: Barrier) -> Outcome | None:
    """Kill when a job stops at the barrier, which opens once that job has ended; None where none came."""
    if not wait_for(barrier.stopped, head):
        return None
    outcome = killed(kind, head, [psutil.Process(barrier.stopped()[0])])
    outcome.problems += ["a job outlived what started it"] * live_on(outcome.hit)
    barrier.open()
    return outcome


def killed(kind: str, head: psutil.Process, hit: list[psutil.Process]) -> Outcome:
    """Kill what the kind says; `hit` are the jobs that run, the first of which is the one that is meant."""
    scripts = [JOB.search(" ".join(command(job))) for job in hit]
    KINDS[kind](head, hit[0] if hit else None)
    return Outcome(kind, struck=[found[0] for found in scripts if found], hit=hit)


def many_kills(project: Path, work: Path, count: int, seed: int, expected: Undisturbed) -> Iterator[Outcome]:
    """So many kills, in as many copies of `project` as it takes."""
    pending = kills(count, seed, expected.seconds)
    while pending:
        folder = shutil.copytree(project, work / f"killed{len(pending)}", dirs_exist_ok=True)
        yield from killed_until_finished(folder, pending, expected)
        shutil.rmtree(folder)


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """One row of the table of faults, of all injections of one fault; jobs are counted where runs were killed."""
    counted = any(outcome.finished for outcome in outcomes)
    lost = [text for outcome in outcomes for text in outcome.lost]
    return {
        "fault": outcomes[0].fault,
        "injected": len(outcomes),
        "lost": "; ".join(f"{text} ({times} times)" for text, times in Counter(lost).items()) or "nothing",
        "tables": sum(outcome.tables for outcome in outcomes),
        "equal": sum(outcome.tables - sum(name.endswith(".csv") for name in outcome.different) for outcome in outcomes),
        "finished_jobs": sum(outcome.finished for outcome in outcomes) if counted else None,
        "done_again": sum(outcome.repeated for outcome in outcomes) if counted else None,
        "left": sum(len(outcome.left) for outcome in outcomes),
    }
