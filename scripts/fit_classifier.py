"""Fit one classifier of scikit-learn with one seed."""

import argparse
import json

import pandas as pd
import torch

from commandline import add_compute_arguments, prepare_compute, run
from estimatorfiles import limit_threads, write
from rows import write_rows
from spurious.datasets import Dataset
from spurious.ensembles import Scores, fit, scores_of
from tensorfiles import read_dataset

SPLITS = ("validation", "test")  # of the training images a forest knows all, and nearest neighbours take hours


def main(argv: list[str] | None = None) -> None:
    """Read the dataset, fit, write the classifier and its predictions of the validation and test images."""
    arguments = parse(argv)
    prepare_compute(arguments)
    limit_threads(arguments.threads)
    data = read_dataset(arguments.data)
    classifier = fit(arguments.entry, data.pixels("train"), data.labels["train"], arguments.seed, arguments.threads)
    write(arguments.model, classifier)
    identification = {"classifier": arguments.classifier, "seed": arguments.seed}
    write_rows(arguments.predictions, predictions(scores_of(classifier), data, identification))


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--classifier", required=True, help="its name, for the rows")
    parser.add_argument("--entry", type=json.loads, required=True, help="JSON: its entry under classifiers")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--predictions", required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


def predictions(scores: Scores, data: Dataset, identification: dict[str, object]) -> pd.DataFrame:
    """One row per image of the splits validation and test."""
    parts = []
    for split in SPLITS:
        labels = data.labels[split]
        probabilities = torch.cat([scores(part) for part in data.pixels(split).split(2000)])
        confidence, predicted = probabilities.max(1)
        columns = {
            "split": split,
            "id": range(len(labels)),
            "label": labels,
            "predicted": predicted,
            "probability": confidence,
            "p_label": probabilities.gather(1, labels[:, None])[:, 0],
        }
        parts.append(pd.DataFrame(identification | columns))
    return pd.concat(parts)


if __name__ == "__main__":
    run(main)
