"""A second snakemake in the folder where one is running."""

from collections.abc import Sequence
from pathlib import Path

from barriers import Barrier
from harness import CORES, TARGETS, Outcome, Undisturbed, compare, started, wait_for
from projects import run_snakemake

REFUSAL = "Error: Directory cannot be locked."


def second_while_running(
    folder: Path, expected: Undisturbed, targets: Sequence[str] = TARGETS, options: Sequence[str] = ()
) -> Outcome:
    """Start the same targets again while a job of the first run stands still; the results must be those of one run.

    The first run cannot end before the second one has, however fast it is. `options` are those of the second run.
    """
    outcome, barrier = Outcome("second run started during the first"), Barrier(folder / "barrier")
    with started(folder, folder / "first-run.log", *targets, barrier=barrier) as head:
        if not wait_for(barrier.stopped, head):
            outcome.problems.append("the first run has no job")
        second = run_snakemake(folder, *targets, *options, cores=CORES, check=False)
        barrier.open()
        if head.wait() != 0:
            outcome.problems.append("the first run failed")
    outcome.problems += complaints(second.returncode, second.stdout + second.stderr)
    compare(outcome, folder, expected.files)
    return outcome


def complaints(code: int, text: str) -> list[str]:
    """What is wrong with the way in which the second run was refused."""
    found = [] if code != 0 else ["the second run was not refused"]
    if text.count(REFUSAL) != 1 or "Traceback" in text:
        found.append("no clear message")
    return found
