"""Compare two folders of results: all tables, and the settings and versions that they were made with.

    python scripts/compare.py results /backup/results

A number differs where the two are further apart than the root of the sum of their squared half intervals; without an
interval, by more than 1e-6 of the larger one. Text, such as the verdict on a claim, differs where it is not the same.
The exit status is 1 where a number or a text differs, or a row, column, table or record of a dataset is missing, else
0: settings and versions are listed, and do not count.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.jobs.arguments import Parser, answer_help, run


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a folder of results")
    parser.add_argument("other", type=Path, help="the one to compare it with")
    return parser.parse_args(argv)


answer_help(__name__, parse)

from pipeline.files.records import read_record
from pipeline.files.rows import read_rows
from spurious.errors import SpuriousError
from spurious.report.comparison import differences, setting_differences
from spurious.report.crate import METADATA

DESCRIBED = ("version", "git", "configuration", "seeds", "software", "hardware")  # of a record


def main(argv: Sequence[str] | None = None) -> None:
    """Print what differs; exit status 1 where a table does, or where a dataset is recorded in one folder only."""
    arguments = parse(argv)
    folders = arguments.results, arguments.other
    for line in described(*folders):
        print(line)
    found = [*recorded_once(*folders), *measured(*folders)]
    for line in found:
        print(line)
    print("1 difference in tables or records" if len(found) == 1 else f"{len(found)} differences in tables or records")
    if found:
        sys.exit(1)


def measured(results: Path, other: Path) -> Iterator[str]:
    """What differs in the tables of two folders; SpuriousError where one has no tables."""
    sides = [tables(folder) for folder in (results, other)]
    for name in sorted(sides[0] | sides[1]):
        if lacking := [folder for folder, side in zip((results, other), sides, strict=True) if name not in side]:
            yield f"{name}: not in {lacking[0]}"
        else:
            yield from (
                f"{name}: {line}" for line in differences(*(read_rows([folder / name]) for folder in (results, other)))
            )


def tables(folder: Path) -> set[str]:
    """The tables of all datasets, as paths in the folder."""
    found = {path.relative_to(folder).as_posix() for path in folder.glob("*/tables/*.csv")}
    if not found:
        raise SpuriousError(f"{folder}: no tables in <dataset>/tables; name a folder such as results")
    return found


def recorded(folder: Path) -> set[str]:
    """The datasets with a record in a folder of results."""
    return {path.parent.name for path in folder.glob(f"*/{METADATA}")}


def recorded_once(results: Path, other: Path) -> Iterator[str]:
    """A line for each dataset with a record in one folder only: its settings cannot be compared."""
    for name in sorted(recorded(results) ^ recorded(other)):
        here, there = (results, other) if name in recorded(results) else (other, results)
        yield f"{name}: has a record in {here}, none in {there}; settings and versions are not compared"


def described(results: Path, other: Path) -> Iterator[str]:
    """Settings, versions and machines that differ, by the record of each dataset that both have."""
    for name in sorted(recorded(results) & recorded(other)):
        records = [read_record(folder / name / METADATA) for folder in (results, other)]
        pair = [{key: record.get(key) for key in DESCRIBED} for record in records]
        yield from (f"{name}: {line}" for line in setting_differences(*pair))


if __name__ == "__main__":
    run(main)
