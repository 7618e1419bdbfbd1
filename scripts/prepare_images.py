"""The list of a dataset's photographs: size, mode, colour, and which are kept; grey ones are not."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from pipeline.files.photographs import all_unreadable, read_class_names, read_manifest, read_photograph
from pipeline.files.rows import write_rows
from pipeline.jobs.arguments import COUNT, THREADS, Parser, number, run
from pipeline.jobs.progress import progress_bar
from spurious.data.manifest import Entry
from spurious.data.photographs import Properties, converted_from, describe, why_grey
from spurious.errors import SpuriousError
from spurious.wording import plural


def main(argv: Sequence[str] | None = None) -> None:
    """Read every photograph of the manifest, write one row for each."""
    arguments = parse(argv)
    entries = read_manifest(arguments.manifest, arguments.classes)
    names = [known.name for known in read_class_names(arguments.class_names, arguments.classes)]
    described = whole(describe_all(arguments.folder, entries, arguments.threads))
    rows = pd.DataFrame(
        row(entry, names[entry.label], properties, arguments.grey_below)
        for entry, properties in zip(entries, described, strict=True)
    )
    if not rows["kept"].any():
        raise SpuriousError(f"{arguments.manifest}: no photograph has colour; lower grey_below in config.yaml")
    report_converted(rows.loc[rows["kept"], "mode"], arguments.manifest)
    write_rows(arguments.output, rows)


def report_converted(modes: Iterable[str], name: str) -> None:
    """Count on the terminal, in one line, the photographs that are converted to RGB wherever they are read."""
    counts = Counter(filter(None, map(converted_from, modes)))
    if counts:
        listed = ", ".join(f"{count} of {words}" for words, count in counts.most_common())
        print(f"note: {name}: {plural(counts.total(), 'photograph')} converted to RGB: {listed}", file=sys.stderr)


def whole(described: Iterable[Properties | SpuriousError]) -> list[Properties]:
    """The properties of all photographs; SpuriousError, naming every file, where any cannot be read."""
    results = list(described)
    failures = [result for result in results if isinstance(result, SpuriousError)]
    if failures:
        raise all_unreadable(failures)
    return results


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="what fetch_images.py made")
    parser.add_argument("--manifest", required=True, help="CSV: file, label, sha256")
    parser.add_argument("--class-names", required=True, help="CSV: label, wordnet, name")
    parser.add_argument("--classes", type=COUNT, required=True, help="how many there are")
    parser.add_argument(
        "--grey-below",
        type=number("a number of levels from 0 to 255", 0, 255),
        required=True,
        help="levels of 255 by which channels must differ",
    )
    parser.add_argument("--threads", type=THREADS, default=min(8, os.cpu_count() or 1), help="no part of the result")
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


def describe_all(folder: Path, entries: Sequence[Entry], threads: int) -> Iterator[Properties | SpuriousError]:
    """What every photograph is, or why it cannot be read, in order; Pillow decodes outside of Python's lock."""

    def describe_one(entry: Entry) -> Properties | SpuriousError:
        path = folder / entry.file
        try:
            return describe(read_photograph(path, entry.sha256), str(path))
        except SpuriousError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        yield from progress_bar(pool.map(describe_one, entries), desc="photographs", total=len(entries), unit="image")


def row(entry: Entry, name: str, properties: Properties, grey_below: float) -> dict[str, object]:
    reason = why_grey(properties, grey_below)
    return (
        {"image": entry.file, "label": entry.label, "name": name, "sha256": entry.sha256}
        | asdict(properties)
        | {"kept": not reason, "reason": reason}
    )


if __name__ == "__main__":
    run(main)
