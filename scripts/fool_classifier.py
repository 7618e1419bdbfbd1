"""Fool a classifier along its gradient, by every method and for every seed, and show it pure noise; a row for each."""

import argparse

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import prepare_compute
from pipeline.jobs.progress import progress_bar, tell_of
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.views.preprocessing import Preprocessing


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "seeds", "classifier", "classes", "rows", "rubbish", "examples")
    parser.add_argument("--data", nargs="+", required=True, help="a dataset's tensors; or a folder and its list")
    parser.add_argument("--weights", nargs="+", required=True, help="the classifier's file, one for each seed")
    parser.add_argument("--entry", type=settings_argument(ClassifierEntry), required=True, help="of classifiers")
    parser.add_argument("--settings", type=settings_argument(FoolingSettings), required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.classifiers import open_classifier
from pipeline.files.images import Images, open_images
from pipeline.files.rows import write_rows
from pipeline.files.tensors import write_tensors
from spurious.attacks.within import Starts
from spurious.experiments.fooling.rows import COLUMNS, RUBBISH_COLUMNS, near_chance_by_seed, rubbish_count
from spurious.experiments.fooling.seeds import FooledSeed, fool_seed, parts
from spurious.experiments.fooling.starts import images_wanted, of_one_size


def main(argv: list[str] | None = None) -> None:
    """Read images and classifiers, fool, write the rows and what the figure shows."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    images = open_images(arguments.data)
    rubbish = rubbish_count(settings, photographs=images.shape is None)
    trained = list(zip(arguments.seeds, arguments.weights, strict=True))
    made, tests = [], None
    total = len(trained) * parts(settings)
    with progress_bar(desc=f"fooling {arguments.classifier}", total=total, unit="method") as bar:
        for seed, weights in trained:
            model, preprocessing = open_classifier(weights, arguments.entry, device, accelerated=False)
            try:
                tests = tests or tests_of(images, images_wanted(settings), preprocessing)
                own = fool_seed(model, tests, settings, seed, arguments.classes, rubbish, bar.update)
            except SpuriousError as error:
                raise SpuriousError(f"{weights}: {error}") from None
            made.append(own)
    write(made, arguments)


def tests_of(images: Images, count: int, preprocessing: Preprocessing) -> Starts:
    """The first test images; photographs as the classifier takes them."""
    places = images.order()[:count]
    if images.shape is None:
        pixels = of_one_size(map(images.pixels, places.split(1)), preprocessing)
    else:
        pixels = images.pixels(places)
    return Starts(ids=images.names(places), images=pixels, labels=images.labels[places])


def write(made: list[FooledSeed], arguments: argparse.Namespace) -> None:
    """Write the rows of all seeds and the examples of the first; tell of seeds that are near chance."""
    who = {"classifier": arguments.classifier}
    rows = pd.concat([own.rows for own in made])
    for seed, text in near_chance_by_seed(rows, arguments.classes):
        tell_of(f"{arguments.classifier}, seed {seed}", text)
    write_rows(arguments.rows, rows.assign(**who)[COLUMNS])
    write_rows(arguments.rubbish, pd.concat([own.rubbish for own in made]).assign(**who)[RUBBISH_COLUMNS])
    shown = made[0].shown.assign(**who)[COLUMNS].to_json(orient="records")
    write_tensors(arguments.examples, made[0].examples, {"rows": shown})


if __name__ == "__main__":
    run(main)
