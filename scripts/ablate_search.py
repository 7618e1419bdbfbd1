"""Search images of one label by searches that differ in one key, for every seed of a classifier."""

import argparse
from functools import partial

from pipeline.jobs.arguments import (
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    json_argument,
    run,
    settings_argument,
)
from pipeline.jobs.devices import prepare_compute
from pipeline.jobs.progress import progress
from spurious.experiments.backworking.settings import AblationSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data", "classifier", "seeds", "label", "rows")
    parser.add_argument("--weights", nargs="+", required=True, help="one file per seed")
    parser.add_argument("--architecture", type=json_argument, help="JSON: what the weights must be of")
    parser.add_argument("--settings", type=settings_argument(AblationSettings), required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset
from pipeline.files.weights import load_classifier
from spurious.classifiers.predictions import predict
from spurious.experiments.backworking.ablation_rows import ablation_rows


def main(argv: list[str] | None = None) -> None:
    """Read data and weights, search, write a row per image."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    data, label = read_dataset(arguments.data), arguments.label
    references, tested = data.of_label(label), data.of_label(label, "test")
    trained = list(zip(arguments.seeds, arguments.weights, strict=True))
    parts = []
    for seed, weights in progress(trained, f"label {label}", "seed"):
        model = load_classifier(weights, device, arguments.architecture)
        rows = ablation_rows(model, partial(predict, model), label, references, tested, arguments.settings, seed)
        parts.append(rows.assign(classifier=arguments.classifier, seed=seed, label=label))
    write_rows(arguments.rows, pd.concat(parts))


if __name__ == "__main__":
    run(main)
