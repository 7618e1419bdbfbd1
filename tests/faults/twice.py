"""A second snakemake in the folder where one is running."""

from collections.abc import Sequence
from pathlib import Path

from harness import CORES, TARGETS, Outcome, Undisturbed, compare, jobs, started, wait_for
from projects import run_snakemake

REFUSAL = "Error: Directory cannot be locked."


def second_while_running(folder: Path, expected: Undisturbed, targets: Sequence[str] = TARGETS) -> Outcome:
    """Start the same targets again as soon as the first run has a job; both results must be those of one run."""
    outcome = Outcome("second run started during the first")
    with started(folder, folder / "first-run.log", *targets) as head:
        wait_for(lambda: jobs(head), head)
        second = run_snakemake(folder, *targets, cores=CORES, check=False)
        if head.wait() != 0:
            outcome.problems.append("the first run failed")
    outcome.problems += complaints(second.returncode, second.stdout + second.stderr)
    compare(outcome, folder, expected.files)
    return outcome


def both_at_once(folder: Path, expected: Undisturbed, targets: Sequence[str] = TARGETS) -> Outcome:
    """Start two runs in the same moment; one must be refused and the other finish."""
    outcome = Outcome("two runs started at once")
    logs = [folder / "first-run.log", folder / "second-run.log"]
    with started(folder, logs[0], *targets) as one, started(folder, logs[1], *targets) as other:
        codes = [one.wait(), other.wait()]
    refused = [(code, log.read_text(encoding="utf-8")) for code, log in zip(codes, logs, strict=True) if code != 0]
    if len(refused) != 1:
        outcome.problems.append(f"exit codes {codes}")
    for code, text in refused:
        outcome.problems += complaints(code, text)
    compare(outcome, folder, expected.files)
    return outcome


def complaints(code: int, text: str) -> list[str]:
    """What is wrong with the way in which the second run was refused."""
    found = [] if code != 0 else ["the second run was not refused"]
    if text.count(REFUSAL) != 1 or "Traceback" in text:
        found.append("no clear message")
    return found
