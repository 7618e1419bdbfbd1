"""Attack a classifier behind every defence, at ascending sizes; a row for each image, defence, attack and size.

Every image that was found is kept, with what `verify.py` needs to judge it again.
"""

import argparse
import json

from pipeline.jobs.arguments import (
    COUNT,
    INDEX,
    SEED,
    Parser,
    add_compute_arguments,
    answer_help,
    run,
    settings_argument,
)
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.registry import as_data


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True, help="the classifier's file")
    parser.add_argument("--classifier", required=True, help="its name, for the rows")
    parser.add_argument(
        "--entry", type=settings_argument(ClassifierEntry), required=True, help="JSON: under classifiers"
    )
    parser.add_argument("--seed", type=SEED, required=True)
    parser.add_argument("--settings", type=settings_argument(RobustnessSettings), required=True)
    parser.add_argument("--shard", type=INDEX, default=0, help="counted from 0")
    parser.add_argument("--shards", type=COUNT, default=1, help="how many there are")
    parser.add_argument("--rows", required=True)
    parser.add_argument("--found", required=True, help="the images that were found, a safetensors file")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset, write_tensors
from spurious.attacks.within import Starts
from spurious.data.datasets import Dataset
from spurious.defences.defended import logits_of
from spurious.experiments.robustness.archive import description
from spurious.experiments.robustness.rows import all_rows, fitted_defences


def main(argv: list[str] | None = None) -> None:
    """Read images and classifier, fit the defences, attack this shard, write the rows and what was found."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    data = read_dataset(arguments.data)
    model, _ = open_classifier(arguments.weights, arguments.entry, device, accelerated=False)
    kept = data.pixels("validation").to(device)
    with logits_of(model) as logits:
        try:
            defences = fitted_defences(settings.defences, logits, kept, settings.batch_size)
            starts = own_starts(data, settings.images, arguments, device)
            rows, images = all_rows(defences, logits, starts, settings, arguments.seed)
        except SpuriousError as error:
            raise SpuriousError(f"{arguments.weights}: {error}") from None
    who = {"classifier": arguments.classifier, "seed": arguments.seed}
    write_rows(arguments.rows, rows.assign(**who))
    about = who | {"entry": as_data(arguments.entry)} | description(rows, images, starts, defences)
    write_tensors(arguments.found, images, {"archive": json.dumps(about)})


def own_starts(data: Dataset, images: int, arguments: argparse.Namespace, device: torch.device) -> Starts:
    """Every `shards`-th of the first test images, from `shard` on."""
    if not 0 <= arguments.shard < arguments.shards:
        raise SpuriousError(f"--shard {arguments.shard}: with --shards {arguments.shards} it must be below that")
    places = torch.arange(min(images, len(data.labels["test"])))[arguments.shard :: arguments.shards]
    pixels, labels = data.pixels("test")[places], data.labels["test"][places]
    return Starts(images=pixels.to(device), labels=labels.to(device), ids=places.tolist())


if __name__ == "__main__":
    run(main)
