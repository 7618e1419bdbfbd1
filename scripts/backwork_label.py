"""Search images of one label with every search, for every seed of a classifier."""

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
from spurious.experiments.backworking.settings import BackworkingSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data", "classifier", "seeds", "label", "images", "rows", "trace")
    parser.add_argument("--weights", nargs="+", required=True, help="one file per seed")
    parser.add_argument("--architecture", type=json_argument, help="JSON: what the weights must be of")
    parser.add_argument("--settings", type=settings_argument(BackworkingSettings), required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset, write_tensors
from pipeline.files.weights import load_classifier
from spurious.attacks.optimization import run_searches
from spurious.attacks.optimization_rows import image_rows, trace_rows
from spurious.classifiers.predictions import predict


def main(argv: list[str] | None = None) -> None:
    """Read data and weights, search, write the images, a row per image and the trace of p."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    references = read_dataset(arguments.data).of_label(arguments.label)
    settings = arguments.settings
    tensors, images, traces = {}, [], []
    trained = list(zip(arguments.seeds, arguments.weights, strict=True))
    for seed, weights in progress(trained, f"label {arguments.label}", "seed"):
        model = load_classifier(weights, device, arguments.architecture)
        found = run_searches(model, arguments.label, references, settings.searches, images=settings.images, seed=seed)
        identification = {"classifier": arguments.classifier, "seed": seed, "label": arguments.label}
        tensors |= {f"{name}/seed{seed}": result.images for name, result in found.items()}
        images += image_rows(partial(predict, model), arguments.label, found, identification)
        traces += trace_rows(found, identification)
    write_tensors(arguments.images, tensors)
    write_rows(arguments.rows, pd.concat(images))
    write_rows(arguments.trace, pd.concat(traces))


if __name__ == "__main__":
    run(main)
