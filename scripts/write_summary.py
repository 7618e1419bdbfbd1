"""The front page's part on one dataset: what was found, in words and numbers, with a picture."""

import argparse
import base64
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.files.atomic import write_text
from pipeline.files.rows import read_rows
from pipeline.jobs.arguments import PROBABILITY, Parser, run
from spurious.errors import SpuriousError
from spurious.experiments.backworking import findings
from spurious.experiments.black_box import findings as black_box_findings
from spurious.experiments.classifiers import findings as classifiers_findings
from spurious.experiments.fooling import findings as fooling_findings
from spurious.experiments.linear import findings as linear_findings
from spurious.experiments.retraining import findings as retraining_findings
from spurious.experiments.smoothing import findings as smoothing_findings
from spurious.experiments.transfer import findings as transfer_findings
from spurious.report import provenance_page

TABLES = ("classifiers", "backworking-summary", "retraining-summary", "smoothing", "smoothing-tests")
ATTACKS = {
    "fooling": ("Fooling by the gradient", fooling_findings.fooling),
    "black_box": ("Fooling by scores alone", black_box_findings.black_box),
    "transfer": ("Transfer", transfer_findings.transfer),
}
TABLES += ("linear", "linear-tests", *ATTACKS)
PICTURE = """.. raw:: html

   <p><img alt="examples" style="max-width: 100%" src="data:image/png;base64,{data}"></p>
"""


def main(argv: list[str] | None = None) -> None:
    """Read the tables that are there, write reStructuredText."""
    arguments = parse(argv)
    parts = [heading(arguments.dataset, "-")]
    if arguments.picture:
        encoded = base64.b64encode(Path(arguments.picture).read_bytes()).decode()
        # docutils refuses long lines; in an address of an image, line ends are ignored
        parts.append(PICTURE.format(data="\n   ".join(textwrap.wrap(encoded, 1000))))
    for title, sentences in sections(arguments):
        parts += [f"*{title}*\n", *(f"- {sentence}" for sentence in sentences), ""]
    write_text(arguments.output, "\n".join(parts) + "\n")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--picture", metavar="PNG")
    for name in TABLES:
        parser.add_argument(f"--{name}", metavar="CSV")
    parser.add_argument("--provenance", metavar="JSON")
    parser.add_argument("--found-above", type=PROBABILITY, default=0.999)
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


def sections(arguments: argparse.Namespace) -> Iterator[tuple[str, Iterator[str]]]:
    """Title and sentences of every stage whose table is given."""
    if arguments.classifiers:
        yield "Classifiers", classifiers_findings.classifiers(table(arguments.classifiers))
    if arguments.backworking_summary:
        summary = table(arguments.backworking_summary)
        yield "Backworking", findings.backworking(summary, found_above=arguments.found_above)
    if arguments.retraining_summary:
        yield "Retraining, after the last round", retraining_findings.retraining(table(arguments.retraining_summary))
    if arguments.smoothing:
        tests = table(arguments.smoothing_tests) if arguments.smoothing_tests else None
        yield "Smoothing", smoothing_findings.smoothing(table(arguments.smoothing), tests)
    if arguments.linear:
        tests = table(arguments.linear_tests)
        yield "Linear classifiers", linear_findings.linear(table(arguments.linear), tests)
    for name, (title, sentences) in ATTACKS.items():
        if path := getattr(arguments, name):
            yield title, sentences(table(path))
    if arguments.provenance:
        yield "Provenance", iter([provenance_page.sentence(read_record(arguments.provenance))])


def read_record(path: str) -> dict[str, Any]:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpuriousError(f"{path}: not a readable JSON file ({error}); delete it and run again") from None


def table(path: str) -> pd.DataFrame:
    return read_rows([path])


def heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}\n"


if __name__ == "__main__":
    run(main)
