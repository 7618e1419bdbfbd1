"""Compare the files of an unpacked archive with the hashes in its ro-crate-metadata.json, and name those that differ.

    python scripts/check_archive.py              # in the folder where it was unpacked
    python scripts/check_archive.py FOLDER

The exit status is 1 where a file is missing or was changed.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.files.photographs import sha256_of
from pipeline.jobs.arguments import Parser, run
from pipeline.jobs.progress import progress
from spurious.errors import SpuriousError
from spurious.report.crate import METADATA, hashes
from spurious.wording import plural


def main(argv: Sequence[str] | None = None) -> None:
    """Name every file that is not as it was packed; SpuriousError, which ends with 1, where there is one."""
    folder = parse(argv).folder
    expected = list(hashes(read(folder / METADATA)))
    faults = 0
    for path, wanted in progress(expected, "hashing", "file"):
        if fault := fault_of(folder / path, wanted):
            faults += 1
            print(f"{path}: {fault}")
    if faults:
        raise SpuriousError(f"{folder}: {faults} of {plural(len(expected), 'file')} differ; unpack the archive again")
    print(f"{plural(len(expected), 'file')} as packed")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="where the archive was unpacked")
    return parser.parse_args(argv)


def read(path: Path) -> object:
    """The description; SpuriousError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SpuriousError(f"{path}: not a readable description; name the folder of an unpacked archive") from None


def fault_of(path: Path, wanted: str) -> str | None:
    """What is wrong with a file, None where it is as packed."""
    try:
        return None if sha256_of(path) == wanted else "changed"
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"


if __name__ == "__main__":
    run(main)
