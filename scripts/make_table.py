"""Make one table from rows that are on disk: NAME decides which, and which inputs it needs."""

import argparse

import pandas as pd

from commandline import run, write_text
from rows import read_rows, write_rows
from spurious import tables


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, compute the table, write it as CSV, Markdown and HTML."""
    arguments = parse(argv)
    table = arguments.make(arguments)
    write_rows(arguments.output_csv, table)
    write_text(arguments.output_md, tables.to_markdown(table) + "\n")
    write_text(arguments.output_html, tables.to_html(table))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `make` is the function of NAME."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = parser.add_subparsers(metavar="NAME", required=True)
    for name, (make, inputs) in TABLES.items():
        own = names.add_parser(name, help=make.__doc__)
        own.set_defaults(make=make)
        for option in inputs:
            own.add_argument(f"--{option}", nargs="*", required=True, metavar="CSV")
        own.add_argument("--found-above", type=float, default=0.999, help="an image with a larger p counts as found")
        own.add_argument("--output-csv", required=True)
        own.add_argument("--output-md", required=True)
        own.add_argument("--output-html", required=True)
    return parser.parse_args(argv)


def classifiers(arguments: argparse.Namespace) -> pd.DataFrame:
    """Accuracy per classifier and seed."""
    return tables.classifiers(read_rows(arguments.predictions))


def backworking(arguments: argparse.Namespace) -> pd.DataFrame:
    """What every search found."""
    return tables.backworking(read_rows(arguments.rows), found_above=arguments.found_above)


def backworking_summary(arguments: argparse.Namespace) -> pd.DataFrame:
    """What every search found, over labels and seeds."""
    return tables.backworking_summary(read_rows(arguments.rows), found_above=arguments.found_above)


def retraining(arguments: argparse.Namespace) -> pd.DataFrame:
    """What retraining changed, per seed."""
    return tables.retraining(*retraining_rows(arguments), found_above=arguments.found_above)


def retraining_summary(arguments: argparse.Namespace) -> pd.DataFrame:
    """What retraining changed, over the seeds."""
    return tables.retraining_summary(*retraining_rows(arguments), found_above=arguments.found_above)


def retraining_rows(arguments: argparse.Namespace) -> list[pd.DataFrame]:
    """The three kinds of rows that retraining leaves, in the order of RETRAINING_ROWS."""
    return [read_rows(getattr(arguments, name)) for name in RETRAINING_ROWS]


def smoothing(arguments: argparse.Namespace) -> pd.DataFrame:
    """The rows of every classifier, as they are."""
    return read_rows(arguments.rows)


def published(arguments: argparse.Namespace) -> pd.DataFrame:
    """Published numbers, beside those that this run reproduced."""
    reproduced = read_rows(arguments.reproduced) if arguments.reproduced else pd.DataFrame(columns=REPRODUCED)
    return tables.published(read_rows(arguments.published), reproduced)


REPRODUCED = ["source", "quantity", "setting", "reproduced", "low", "high", "n"]
RETRAINING_ROWS = ("attacks", "old", "predictions")
TABLES = {
    "classifiers": (classifiers, ("predictions",)),
    "backworking": (backworking, ("rows",)),
    "backworking-summary": (backworking_summary, ("rows",)),
    "retraining": (retraining, RETRAINING_ROWS),
    "retraining-summary": (retraining_summary, RETRAINING_ROWS),
    "smoothing": (smoothing, ("rows",)),
    "published": (published, ("published", "reproduced")),
}

if __name__ == "__main__":
    run(main)
