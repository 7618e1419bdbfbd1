"""The front page's part on one dataset: what was found, in words and numbers, with a picture."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.files.atomic import write_text
from pipeline.jobs.arguments import Parser, answer_help, declare_own_kinds, json_list_argument, run


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--claims", metavar="CSV")
    parser.add_argument("--contradicted-by", metavar="CSV", help="claims.csv: what would contradict each claim")
    parser.add_argument("--picture", metavar="PNG")
    keys = "title, question, function, tables, settings, figure"
    parser.add_argument("--findings", type=json_list_argument, default=[], help=f"JSON: a list of {keys}")
    parser.add_argument("--record", type=Path, metavar="JSON", help="the dataset's ro-crate-metadata.json")
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.records import read_record
from pipeline.files.results import called
from pipeline.files.rows import read_rows
from spurious.report import front_page, provenance_page


def main(argv: list[str] | None = None) -> None:
    """Read the tables and pictures that are there, write reStructuredText."""
    arguments = parse(argv)
    declare_own_kinds()
    parts = front_page.claims(*claims_of(arguments.claims), contradictions(arguments)) if arguments.claims else []
    if arguments.picture:
        text = "share of the images that each attack fools, beside random changes of the same size"
        parts.append(front_page.between("picture", [shown(arguments.picture, text)]))
    parts.append(front_page.between("page", page(arguments)))
    for part in arguments.findings:
        parts.append(
            front_page.between(
                Path(next(iter(part["tables"].values()))).stem, (f"- {sentence}" for sentence in sentences(part))
            )
        )
    write_text(arguments.output, "\n".join(parts) + "\n")


def claims_of(path: str) -> tuple[pd.DataFrame, str]:
    """The table of claims, and the folder where the tables' pages lie."""
    return read_rows([path]), Path(path).parent.as_posix()


def contradictions(arguments: argparse.Namespace) -> dict[str, str]:
    """What would contradict each claim, where a file says so."""
    if arguments.contradicted_by is None:
        return {}
    told = read_rows([arguments.contradicted_by])
    return dict(zip(told["claim"], told["contradicted_by"], strict=True))


def page(arguments: argparse.Namespace) -> Iterator[str]:
    """The experiments of the dataset, and where its numbers come from."""
    yield heading(arguments.dataset, "-")
    for part in arguments.findings:
        pictures = [shown(path, f"main figure: {part['title']}") for path in part["figure"]]
        pages = [path.replace(".csv", ".html") for path in part["tables"].values()]
        yield from front_page.experiment(part["title"], part["question"], pages, pictures)
    if arguments.record:
        yield f"{heading('Provenance', '~')}\n- {provenance_page.sentence(read_record(arguments.record))}"


def shown(path: str, text: str) -> str:
    """A picture of the page."""
    return front_page.picture(path, Path(path).read_bytes(), text)


def sentences(part: dict[str, Any]) -> Iterator[str]:
    """What the tables of a part say."""
    files = {keyword: [path] for keyword, path in part["tables"].items()}
    return called(part["function"], files, part["settings"])


def heading(text: str, underline: str) -> str:
    """A heading of reStructuredText."""
    return f"{text}\n{underline * len(text)}\n"


if __name__ == "__main__":
    run(main)
