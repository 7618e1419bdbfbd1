"""Make a table or a figure: call FUNCTION with what the files hold, and write what it returns."""

import argparse
from pathlib import Path

from pipeline.jobs.arguments import Parser, answer_help, declare_own_kinds, json_argument, run


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("function", metavar="FUNCTION", help="module:function, or file.py:function")
    parser.add_argument(
        "--input", nargs="+", action="append", default=[], metavar=("KEYWORD", "FILE"), help="once for each keyword"
    )
    parser.add_argument("--settings", type=json_argument, default={}, help="JSON: the other keywords; more are ignored")
    parser.add_argument("--title", default="", help="of the page of a table, its file's name if left out")
    parser.add_argument("--caption", default="", help="reStructuredText above a table on its page")
    parser.add_argument("--output", nargs="+", required=True, metavar="FILE", help=".csv .md .html, or .png .svg")
    return parser.parse_args(argv)


answer_help(__name__, parse)

from pipeline.files.results import called, write_result
from spurious.report.formats import Heading, Origin


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, call the function, write a table as CSV, Markdown and HTML, a figure as PNG and SVG."""
    arguments = parse(argv)
    declare_own_kinds()
    files = {keyword: paths for keyword, *paths in arguments.input}
    origin = Origin(function=arguments.function, files=[named(path) for paths in files.values() for path in paths])
    heading = Heading(title=arguments.title, caption=arguments.caption)
    write_result(called(arguments.function, files, arguments.settings), arguments.output, origin, heading)


def named(path: str) -> str:
    """A file of the run by its path, one elsewhere without its folder: pages are the same in every clone."""
    return Path(path).name if Path(path).is_absolute() else path


if __name__ == "__main__":
    run(main)
