"""Search images that fool one classifier, seeing its scores only: by evolution, and at random beside it."""

import argparse
from typing import Literal

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.black_box.settings import BlackBoxSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data", "weights", "classifier", "seed", "rows", "images")
    parser.add_argument("--entry", type=settings_argument(ClassifierEntry), required=True, help="of classifiers")
    parser.add_argument("--settings", type=settings_argument(BlackBoxSettings), required=True)
    parser.add_argument("--elites", required=True, help="rows of the evolution towards all classes at once")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd
import torch
from torch import Tensor

from pipeline.files.estimators import open_any
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset, write_tensors
from pipeline.jobs.progress import progress_bar
from spurious.attacks.distances import Stored, approach
from spurious.attacks.evolution import Box, Found, Goal, ball, evolve, noise
from spurious.attacks.gradient import random_targets
from spurious.attacks.scores import Scores, first_right
from spurious.classifiers.scikit_learn import scores_of, stored_by
from spurious.data.datasets import Dataset
from spurious.experiments.black_box.rows import elites_rows, search_rows

METHODS: tuple[Literal["evolution", "random"], ...] = ("evolution", "random")


def main(argv: list[str] | None = None) -> None:
    """Read data and classifier, search from images and from noise, write a row per search and the images.

    Nearest neighbours are attacked by distances, too.
    """
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    data = read_dataset(arguments.data)
    classifier = open_any(arguments.weights, arguments.entry, device, arguments.threads)
    scores, stored = scores_of(classifier), stored_by(classifier)
    tasks = {
        "image": from_images(data, scores, settings, arguments.seed),
        "noise": from_noise(data, scores, settings, arguments.seed),
    }
    of = {"classifier": arguments.classifier, "seed": arguments.seed}
    rows, tensors = [], {}
    with progress_bar(desc=f"searching {arguments.classifier}", total=queries(tasks, settings), unit="query") as bar:
        for start, (ids, labels, original, box, goal) in tasks.items():
            for method in METHODS:
                found = evolve(
                    scores, box, goal, ids, settings.budget, method=method, seed=arguments.seed, on_queries=bar.update
                )
                identification = of | {"start": start, "search": method}
                rows.append(search_rows(scores, found, goal, original, ids, labels, identification))
                if method == "evolution":
                    tensors |= {f"{start}/evolution": found.images, f"{start}/original": original}
            if start == "image" and stored is not None:
                found = by_distances(stored, original, box, goal, settings)
                identification = of | {"start": start, "search": "distances"}
                rows.append(search_rows(scores, found, goal, original, ids, labels, identification))
        elites = elites_rows(scores, data.image_shape, settings.map_elites, of, bar.update)
    write_rows(arguments.rows, pd.concat(rows))
    write_tensors(arguments.images, tensors)
    write_rows(arguments.elites, elites)


Task = tuple[list[int], Tensor | None, Tensor, Box, Goal]


def queries(tasks: dict[str, Task], settings: BlackBoxSettings) -> int:
    """Images that all searches may judge, and the evolution towards all classes does; those by distances judge none."""
    searches = len(METHODS) * sum(len(ids) for ids, *_ in tasks.values())
    elites = settings.map_elites.queries if settings.map_elites else 0
    return searches * settings.budget.max_queries + elites


def from_images(data: Dataset, scores: Scores, settings: BlackBoxSettings, seed: int) -> Task:
    """Ids, labels, images, box and goal: the first test images that are classified rightly, towards other classes."""
    labels = data.labels["test"]
    ids, _ = first_right([scores], data.pixels("test"), labels, settings.images)
    if not ids:
        raise SpuriousError("black_box: no test image is classified rightly; train or fit the classifier again")
    images, labels = data.pixels("test")[ids], labels[ids]
    goal = Goal(classes=random_targets(labels, data.classes, ids, seed))
    return ids, labels, images, ball(images, settings.epsilon), goal


def by_distances(stored: Stored, images: Tensor, box: Box, goal: Goal, settings: BlackBoxSettings) -> Found:
    """What an attack that asks for no score ends with; whether it reached its goal is judged with its rows."""
    moved, none = approach(stored, images, goal.classes, box, settings.epsilon), torch.zeros(len(images))
    return Found(images=moved, queries=none.long(), reached=none.bool(), flat=none)


def from_noise(data: Dataset, scores: Scores, settings: BlackBoxSettings, seed: int) -> Task:
    """The same from noise: the targets take turns, nothing has a label."""
    ids = list(range(settings.images))
    box = noise(ids, data.image_shape, seed)
    goal = Goal(classes=torch.arange(settings.images) % data.classes, above=settings.found_above)
    return ids, None, box.first, box, goal


if __name__ == "__main__":
    run(main)
