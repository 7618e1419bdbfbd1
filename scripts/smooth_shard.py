"""Classify every view of one shard of the test images under every noise; one row per image and setting."""

import argparse
import csv
from functools import partial

from pipeline.files.atomic import whole_file
from pipeline.jobs.arguments import (
    COUNT,
    INDEX,
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    run,
    settings_argument,
)
from pipeline.jobs.devices import granted_cpus, note_slow_precision, prepare_compute
from pipeline.jobs.progress import progress_bar
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.smoothing.settings import SmoothingSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    add_required(parser, "weights", "classes")
    parser.add_argument("--data", nargs="+", required=True, help="a dataset's tensors; or a folder and its list")
    parser.add_argument(
        "--classifier", type=settings_argument(ClassifierEntry), required=True, help="JSON: under classifiers"
    )
    parser.add_argument("--settings", type=settings_argument(SmoothingSettings), required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--shard", type=INDEX, default=0, help="counted from 0")
    parser.add_argument("--shards", type=COUNT, default=1, help="how many there are")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.images import Images, open_images, shard_indices
from spurious.attacks.scores import Scores
from spurious.classifiers.predictions import predict
from spurious.experiments.smoothing.sweep import Batch, row_type, sweep


def main(argv: list[str] | None = None) -> None:
    """Read the images and the classifier, sweep over the shard, write its rows."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    note_slow_precision(settings.precision, device)
    images = open_images(arguments.data)
    indices = shard_indices(len(images), arguments.shard, arguments.shards)
    model, preprocessing = open_classifier(
        arguments.weights, arguments.classifier, device, precision=settings.precision
    )
    scores = partial(predict, model, batch_size=settings.batch_size, classes=arguments.classes, device=device)
    scores = named(arguments.weights, scores)
    workers = granted_cpus() if device.type == "cuda" else 0
    with (
        progress_bar(total=len(indices), desc=f"smoothing, shard {arguments.shard}", unit="image") as bar,
        whole_file(arguments.output) as path,
        open(path, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(row_type(settings)._fields)
        items = indices.split(images_together(images, settings)) if len(indices) else ()
        load = partial(load_batch, images, device)
        for item, rows in zip(items, sweep(items, load, scores, settings, preprocessing, workers=workers), strict=True):
            writer.writerows(rows)
            bar.update(len(item))


def named(weights: str, scores: Scores) -> Scores:
    """`scores`, with the classifier's file in what it complains of."""

    def named_scores(views: torch.Tensor) -> torch.Tensor:
        try:
            return scores(views)
        except SpuriousError as error:
            raise SpuriousError(f"{weights}: {error}") from None

    return named_scores


def images_together(images: Images, settings: SmoothingSettings) -> int:
    """How many images make a batch: as many as the classifier gets views, or one photograph.

    Photographs differ in size. Alone, the views of one meet the classifier in the same company whatever the shard.
    """
    return 1 if images.shape is None else settings.batch_size


def load_batch(images: Images, device: torch.device, places: torch.Tensor) -> Batch:
    """The images of these places, as the sweep takes them."""
    return Batch(list(map(str, images.names(places))), images.pixels(places).to(device), images.labels[places])


if __name__ == "__main__":
    run(main)
