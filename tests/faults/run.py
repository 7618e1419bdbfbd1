"""Inject every fault into runs of a small project, print the table of faults and write results/faults.csv.

`python tests/faults/run.py --kills 24 --seed 0`. The disks need root, or a system that lets others mount; without,
they are left out and said to be. Ends with exit status 1 where something was lost.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(ROOT / "scripts"), str(ROOT / "tests")]

import pandas as pd  # noqa: E402 - found through the paths above, as all that follows
from tabulate import tabulate  # noqa: E402

import clocks  # noqa: E402
import disks  # noqa: E402
import mirrors  # noqa: E402
import settings  # noqa: E402
import twice  # noqa: E402
from harness import KINDS, Outcome, Undisturbed, many_kills, small_project, summary, undisturbed  # noqa: E402
from pipeline.files.atomic import whole_file  # noqa: E402
from projects import DATASET  # noqa: E402

Fault = Callable[[Path], Outcome]
TIMES = 3  # how often the faults are injected that are a matter of moments


def main(argv: list[str] | None = None) -> None:
    """Inject, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=24, help="how many moments")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", choices=("kills", "others"), help="leave the rest out")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "faults.csv")
    arguments = parser.parse_args(argv)
    outcomes = []
    with tempfile.TemporaryDirectory() as work:
        for outcome in inject(Path(work), arguments):
            print(f"{outcome.fault}: {'; '.join(outcome.lost) or 'nothing lost'}", flush=True)
            outcomes.append(outcome)
            write(outcomes, arguments.output)  # every time: a long run may be interrupted itself
    print(tabulate(map(summary, by_fault(outcomes)), headers="keys"))
    sys.exit(int(any(outcome.lost for outcome in outcomes)))


def write(outcomes: list[Outcome], path: Path) -> None:
    """The table of faults as CSV."""
    with whole_file(path) as temporary:
        pd.DataFrame(map(summary, by_fault(outcomes))).to_csv(temporary, index=False)


def inject(work: Path, arguments: argparse.Namespace) -> Iterator[Outcome]:
    """Every fault in a fresh copy of a small project, beside an undisturbed run of it."""
    project = small_project(work / "project")
    finished = shutil.copytree(project, work / "finished")
    expected = undisturbed(finished)
    print(f"undisturbed: {expected.jobs} jobs in {expected.seconds:.1f} s", flush=True)
    if arguments.only != "others":
        yield from many_kills(project, work, arguments.kills, arguments.seed, expected)
    if arguments.only != "kills":
        changed = settings.with_change(shutil.copytree(finished, work / "changed"))
        faults = [*from_nothing(finished, project, expected), *when_finished(finished, expected, changed)]
        for source, fault in faults:
            folder = shutil.copytree(source, work / "disturbed")
            try:
                yield fault(folder)
            except PermissionError as error:
                print(f"left out, mounting is not allowed here: {error}", flush=True)
            shutil.rmtree(folder)


def from_nothing(finished: Path, project: Path, expected: Undisturbed) -> Iterator[tuple[Path, Fault]]:
    """Faults of a run, each with the project that it starts from."""
    needed = disks.size_of(finished / "results")
    for share in (0.25, 0.5, 0.75):
        yield project, partial(disks.full_disk, size=int(share * needed), expected=expected)
    yield project, partial(disks.read_only, expected=expected, first=f"results/{DATASET}/data.safetensors")
    for fault in mirrors.FAULTS | mirrors.SLOW_FAULTS:
        yield project, partial(mirrors.bad_mirror, fault=fault, expected=expected)
    for _ in range(TIMES):
        yield project, partial(twice.second_while_running, expected=expected)


def when_finished(finished: Path, expected: Undisturbed, changed: Undisturbed) -> Iterator[tuple[Path, Fault]]:
    """Faults that meet finished results."""
    for fault in settings.FAULTS:
        yield finished, partial(settings.changed_then_killed, fault=fault, expected=changed)
    yield finished, partial(clocks.set_back_before_a_change, change=settings.CHANGE, expected=changed)
    for fault in clocks.FAULTS:
        yield finished, partial(clocks.jumped, fault=fault, expected=expected)


def by_fault(outcomes: list[Outcome]) -> Iterator[list[Outcome]]:
    """The outcomes of one fault after the other, in the order of their first appearance."""
    for fault in dict.fromkeys([*KINDS, *(outcome.fault for outcome in outcomes)]):
        if group := [outcome for outcome in outcomes if outcome.fault == fault]:
            yield group


if __name__ == "__main__":
    main()
