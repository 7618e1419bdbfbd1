"""The list of a dataset's photographs: size, mode, colour, and which are kept; grey ones are not."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from pipeline.files.photographs import TURNED, all_unreadable, read_class_names, read_manifest, read_photograph
from pipeline.jobs.arguments import COUNT, THREADS, Parser, answer_help, number, run
from pipeline.jobs.devices import granted_cpus
from pipeline.jobs.progress import note, progress_bar
from spurious.data.manifest import Entry
from spurious.data.photographs import Properties, conversions, describe, why_grey
from spurious.errors import SpuriousError


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
    parser.add_argument("--exif-orientation", action="store_true", help="turn photographs upright, here and later")
    parser.add_argument("--threads", type=THREADS, default=min(8, granted_cpus()), help="no part of the result")
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.rows import write_rows


def main(argv: Sequence[str] | None = None) -> None:
    """Read every photograph of the manifest, write one row for each."""
    arguments = parse(argv)
    entries = read_manifest(arguments.manifest, arguments.classes)
    names = [known.name for known in read_class_names(arguments.class_names, arguments.classes)]
    described = whole(describe_all(arguments, entries))
    rows = pd.DataFrame(
        row(entry, names[entry.label], properties, arguments.grey_below)
        for entry, properties in zip(entries, described, strict=True)
    )
    if not rows["kept"].any():
        raise SpuriousError(f"{arguments.manifest}: no photograph has colour; lower grey_below in config.yaml")
    if arguments.exif_orientation:
        rows[TURNED] = True
    note(conversions(rows.loc[rows["kept"], "mode"]), arguments.manifest)
    write_rows(arguments.output, rows)


def whole(described: Iterable[Properties | SpuriousError]) -> list[Properties]:
    """The properties of all photographs; SpuriousError, naming every file, where any cannot be read."""
    results = list(described)
    failures = [result for result in results if isinstance(result, SpuriousError)]
    if failures:
        raise all_unreadable(failures)
    return results


def describe_all(arguments: argparse.Namespace, entries: Sequence[Entry]) -> Iterator[Properties | SpuriousError]:
    """What every photograph is, or why it cannot be read, in order; Pillow decodes outside of Python's lock."""

    def describe_one(entry: Entry) -> Properties | SpuriousError:
        path = arguments.folder / entry.file
        try:
            content = read_photograph(path, entry.sha256)
            return describe(content, str(path), exif_orientation=arguments.exif_orientation)
        except SpuriousError as error:
            return error

    with ThreadPoolExecutor(arguments.threads) as pool:
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
