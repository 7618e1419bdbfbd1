"""What a clock that was set forward or back leaves: files older or newer than what they were made from."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness import CORES, TARGETS, Outcome, Undisturbed, compare
from projects import change_config, run_snakemake

PAST, FUTURE = 946684800.0, 4102444800.0  # seconds: the years 2000 and 2100
SOURCES = ("scripts", "workflow", "own data")


def set_times(paths: Iterable[Path], seconds: float) -> None:
    """Give all these files and folders one time of modification."""
    for path in paths:
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def files_below(folder: Path, *places: str) -> list[Path]:
    """All files and folders below some folders of a project."""
    return [path for place in places for path in (folder / place).rglob("*")]


# fault: (places whose times are set, the time)
FAULTS = {
    "clock: results from the past": (("results",), PAST),
    "clock: results from the future": (("results",), FUTURE),
    "clock: code and data from the past": (SOURCES, PAST),
    "clock: code and data from the future": (SOURCES, FUTURE),
}


def jumped(project: Path, fault: str, expected: Undisturbed, targets: Sequence[str] = TARGETS) -> Outcome:
    """Set the times in a finished project; nothing is to be done then, and nothing may change."""
    outcome = Outcome(fault)
    places, seconds = FAULTS[fault]
    set_times(files_below(project, *places), seconds)
    done = run_snakemake(project, *targets, cores=CORES)
    if "Nothing to be done" not in done.stdout + done.stderr:
        outcome.problems.append("finished results were made again")
    compare(outcome, project, expected.files)
    return outcome


def set_back_before_a_change(
    project: Path, change: dict, expected: Undisturbed, targets: Sequence[str] = TARGETS
) -> Outcome:
    """Results from the future and a setting that changes: refused, and made again once the times are right."""
    outcome = Outcome("clock set back, then a setting changed")
    set_times(files_below(project, "results"), FUTURE)
    change_config(project, change)
    done = run_snakemake(project, *targets, cores=CORES, check=False)
    if done.returncode == 0 or "older modification time" not in done.stdout + done.stderr:
        outcome.problems.append("no word of the clock")
    set_times(files_below(project, "results"), time.time())
    run_snakemake(project, *targets, cores=CORES)
    compare(outcome, project, expected.files)
    return outcome
