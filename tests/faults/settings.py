"""A setting that changes, and a run that fails or is killed before the change has arrived everywhere."""

from collections.abc import Sequence
from pathlib import Path

from barriers import Barrier
from harness import CORES, KINDS, TARGETS, Kill, Outcome, Undisturbed, compare, recover, started, struck
from projects import change_config, contents, run_snakemake

CHANGE = {"smoothing": {"sigmas": [0.0, 0.5]}}
FAULTS = {f"setting changed, then {kind}": kind for kind in KINDS}


def with_change(project: Path, targets: Sequence[str] = TARGETS) -> Undisturbed:
    """What a finished project has when the changed setting has arrived undisturbed."""
    change_config(project, CHANGE)
    run_snakemake(project, *targets, cores=CORES)
    return Undisturbed(contents(project / "results"), 0, 0)


def changed_then_killed(project: Path, fault: str, expected: Undisturbed, targets: Sequence[str] = TARGETS) -> Outcome:
    """Change the setting in a finished project, kill when the first job is about to end, recover, compare."""
    change_config(project, CHANGE)
    barrier = Barrier(project / "barrier")
    with started(project, project / "run.log", *targets, barrier=barrier) as head:
        outcome = struck(FAULTS[fault], head, barrier)
        head.wait()
        if outcome is None:
            return Outcome(fault, problems=["no job ran"])
        recover(project, Kill(FAULTS[fault]), outcome)
        outcome.fault = fault
        run_snakemake(project, *targets, cores=CORES)
    compare(outcome, project, expected.files)
    return outcome
