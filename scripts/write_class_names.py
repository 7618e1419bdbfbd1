"""Write the names that a configuration lists for the classes of a dataset as a table: label, wordnet, name."""

import argparse

from pipeline.files.atomic import write_text
from pipeline.jobs.arguments import Parser, json_list_argument, run
from spurious.data.manifest import ClassName, to_csv


def main(argv: list[str] | None = None) -> None:
    """Write a row for every name, the labels counting from 0; no class has a WordNet id."""
    arguments = parse(argv)
    write_text(arguments.output, to_csv([ClassName(label, "", name) for label, name in enumerate(arguments.names)]))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("--names", type=json_list_argument, required=True, help="JSON: a list of texts")
    parser.add_argument("--output", required=True, metavar="CSV")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
