"""The front page's part on one dataset: what was found, in words and numbers, with a picture."""

import argparse
import base64
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.files.atomic import write_text
from pipeline.jobs.arguments import Parser, answer_help, declare_own_kinds, json_list_argument, run
from spurious.errors import SpuriousError
from spurious.report import provenance_page


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--picture", metavar="PNG")
    parser.add_argument(
        "--findings", type=json_list_argument, default=[], help="JSON: a list of title, function, tables, settings"
    )
    parser.add_argument("--provenance", metavar="JSON")
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


answer_help(__name__, parse)

from pipeline.files.results import called

PICTURE = """.. raw:: html

   <p><img alt="examples" style="max-width: 100%" src="data:image/png;base64,{data}"></p>
"""


def main(argv: list[str] | None = None) -> None:
    """Read the tables that are there, write reStructuredText."""
    arguments = parse(argv)
    declare_own_kinds()
    parts = [heading(arguments.dataset, "-")]
    if arguments.picture:
        encoded = base64.b64encode(Path(arguments.picture).read_bytes()).decode()
        # docutils refuses long lines; in an address of an image, line ends are ignored
        parts.append(PICTURE.format(data="\n   ".join(textwrap.wrap(encoded, 1000))))
    for title, sentences in sections(arguments):
        parts += [f"*{title}*\n", *(f"- {sentence}" for sentence in sentences), ""]
    write_text(arguments.output, "\n".join(parts) + "\n")


def sections(arguments: argparse.Namespace) -> Iterator[tuple[str, Iterator[str]]]:
    """Title and sentences of every part whose tables are given."""
    for part in arguments.findings:
        files = {keyword: [path] for keyword, path in part["tables"].items()}
        yield part["title"], called(part["function"], files, part["settings"])
    if arguments.provenance:
        yield "Provenance", iter([provenance_page.sentence(read_record(arguments.provenance))])


def read_record(path: str) -> dict[str, Any]:
    """The record that write_provenance.py wrote."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpuriousError(f"{path}: not a readable JSON file ({error}); delete it and run again") from None


def heading(text: str, underline: str) -> str:
    """A heading of reStructuredText."""
    return f"{text}\n{underline * len(text)}\n"


if __name__ == "__main__":
    run(main)
