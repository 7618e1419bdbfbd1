"""Fit one classifier of scikit-learn with one seed."""

import argparse

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.fitted import ScikitLearn


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data", "classifier", "seed", "model", "predictions")
    parser.add_argument("--entry", type=settings_argument(ScikitLearn), required=True, help="of classifiers")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import torch

from pipeline.files.estimators import limit_threads, write
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset
from pipeline.jobs.progress import progress
from spurious.classifiers.scikit_learn import fit, scores_of
from spurious.experiments.classifiers.rows import prediction_rows

SPLITS = ("validation", "test")  # of the training images a forest knows all, and nearest neighbours take hours
BATCH = 2000  # images that are judged at once


def main(argv: list[str] | None = None) -> None:
    """Read the dataset, fit, write the classifier and its predictions of the validation and test images."""
    arguments = parse(argv)
    prepare_compute(arguments)
    limit_threads(arguments.threads)
    data = read_dataset(arguments.data)
    classifier = fit(arguments.entry, data.pixels("train"), data.labels["train"], arguments.seed, arguments.threads)
    write(arguments.model, classifier)
    scores, name = scores_of(classifier), f"{arguments.classifier}, seed {arguments.seed}"

    def judge(images: torch.Tensor) -> torch.Tensor:
        return torch.cat([scores(part) for part in progress(images.split(BATCH), f"judging {name}", "batch")])

    splits = ((split, data.pixels(split), data.labels[split]) for split in SPLITS)
    identification = {"classifier": arguments.classifier, "seed": arguments.seed}
    write_rows(arguments.predictions, prediction_rows(judge, splits, identification))


if __name__ == "__main__":
    run(main)
