"""Ask a classifier that had no part in the search what the images of the attack that does not give up show."""

import argparse

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data")
    parser.add_argument("--judge", required=True, help="the classifier's file: .skops or .safetensors")
    entry = settings_argument(ClassifierEntry)
    parser.add_argument("--entry", type=entry, required=True, help="JSON: under classifiers")
    parser.add_argument("--name", required=True, help="of the judge, for the rows")
    parser.add_argument("--images", nargs="+", required=True, help="what the attack ended with, by arm and seed")
    parser.add_argument("--strong", nargs="+", required=True, help="their rows, in the same order")
    parser.add_argument("--rows", required=True, help="what the judge says of every image")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.any_classifier import open_any
from pipeline.files.rows import read_rows, write_rows
from pipeline.files.tensors import read_dataset, read_tensors
from pipeline.jobs.progress import progress
from spurious.classifiers.scikit_learn import scores_of
from spurious.experiments.retraining.judging import Judge


def main(argv: list[str] | None = None) -> None:
    """Read data, the judge and the images of all arms; write a row per image."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    if len(arguments.images) != len(arguments.strong):
        raise SpuriousError(f"--strong: {len(arguments.strong)} files for {len(arguments.images)} of --images")
    scores = scores_of(open_any(arguments.judge, arguments.entry, device, arguments.threads))
    judge = Judge(scores, read_dataset(arguments.data))
    pairs = progress([*zip(arguments.images, arguments.strong, strict=True)], arguments.name, "file")
    judged = pd.concat([judged_file(judge, images, rows) for images, rows in pairs], ignore_index=True)
    write_rows(arguments.rows, judged.assign(judge=arguments.name))


def judged_file(judge: Judge, images: str, rows: str) -> pd.DataFrame:
    """The rows of one arm and seed, judged."""
    try:
        return judge.rows(read_rows([rows]), read_tensors(images)[0])
    except SpuriousError as error:
        raise SpuriousError(str(error) if images in str(error) else f"{images}: {error}") from None


if __name__ == "__main__":
    run(main)
