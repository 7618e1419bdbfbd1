"""Fool every classifier, and let all judge what fools it."""

import argparse

from pipeline.jobs.arguments import (
    SEED,
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    named_settings_argument,
    pair_argument,
    run,
    settings_argument,
)
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError, unknown_name
from spurious.experiments.transfer.settings import TransferSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data", "rows")
    entries = named_settings_argument(ClassifierEntry)
    parser.add_argument("--sources", nargs="+", type=source, required=True, metavar="NAME:SEED=FILE")
    parser.add_argument("--entries", type=entries, required=True, help="JSON: the entries of these names")
    parser.add_argument("--settings", type=settings_argument(TransferSettings), required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


def source(text: str) -> tuple[tuple[str, int], str]:
    """Name and seed, and the file."""
    key, path = pair_argument("NAME:SEED=FILE")(text)
    name, _, seed = key.rpartition(":")
    if not name or not seed.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:SEED=FILE")
    return (name, SEED(seed)), path


answer_help(__name__, parse)

from pipeline.files.any_classifier import open_any
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset
from pipeline.jobs.progress import counting
from spurious.experiments.transfer.rows import transfer_rows


def main(argv: list[str] | None = None) -> None:
    """Read data and classifiers, fool each, write a row per source, judge and image."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    data = read_dataset(arguments.data)
    classifiers = {}
    for (name, seed), path in arguments.sources:
        if name not in arguments.entries:
            raise SpuriousError(f"--entries: {unknown_name('classifier', name, arguments.entries)}")
        classifiers[name, seed] = open_any(path, arguments.entries[name], device, arguments.threads)
    with counting("transfer", "query") as count:
        rows = transfer_rows(classifiers, data.pixels("test"), data.labels["test"], arguments.settings, count)
    write_rows(arguments.rows, rows)


if __name__ == "__main__":
    run(main)
