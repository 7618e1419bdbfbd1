"""Fool a classifier along its gradient, by every method and for every seed, and show it pure noise; a row for each."""

import argparse
from collections.abc import Sequence

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import prepare_compute
from pipeline.jobs.progress import progress_bar, tell_of
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.views.settings import Preprocessing


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
import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.images import Images, open_images
from pipeline.files.rows import write_rows
from pipeline.files.tensors import write_tensors
from spurious.data.datasets import to_float
from spurious.experiments.fooling.rows import COLUMNS, Starts, clean_rows, example_places, fool_all, rubbish_rows
from spurious.seeding import generator
from spurious.statistics.chance import near_chance

RUBBISH_ON_PHOTOGRAPHS = 500  # at most: each is as expensive as a photograph
RUBBISH_COLUMNS = ["classifier", "seed", "kind", "id", "predicted", "p"]


def main(argv: list[str] | None = None) -> None:
    """Read images and classifiers, fool, write the rows and what the figure shows."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    rows, rubbish, tensors, tests = [], [], {}, None
    images = open_images(arguments.data)
    trained = list(zip(arguments.seeds, arguments.weights, strict=True))
    parts = len(trained) * (len(settings.methods) + 1)  # rubbish comes after the methods
    with progress_bar(desc=f"fooling {arguments.classifier}", total=parts, unit="method") as bar:
        for seed, weights in trained:
            model, preprocessing = open_classifier(weights, arguments.entry, device, accelerated=False)
            try:
                tests = tests or first_tests(images, settings, preprocessing)
                for name, own, starts, fooled in fool_all(model, tests, settings, seed, arguments.classes):
                    rows.append(own)
                    if seed == arguments.seeds[0]:
                        tensors |= example_tensors(name, own, starts, fooled)
                    bar.update()
                rubbish += rubbish_rows(model, tests, settings, rubbish_count(images, settings), seed)
                bar.update()
            except SpuriousError as error:
                raise SpuriousError(f"{weights}: {error}") from None
    tell_near_chance(pd.concat(rows), arguments.classifier, arguments.classes)
    write_rows(arguments.rows, pd.concat(rows).assign(classifier=arguments.classifier)[COLUMNS])
    write_rows(arguments.rubbish, pd.concat(rubbish).assign(classifier=arguments.classifier)[RUBBISH_COLUMNS])
    write_tensors(arguments.examples, tensors, {"rows": example_rows(rows, arguments)})


def tell_near_chance(rows: pd.DataFrame, classifier: str, classes: int) -> None:
    """Say on the terminal for which seeds the classifier is near chance on the images before they are fooled."""
    for seed, own in rows.groupby("seed", sort=False):
        tell_of(f"{classifier}, seed {seed}", near_chance(*clean_rows(own), classes))


def first_tests(images: Images, settings: FoolingSettings, preprocessing: Preprocessing) -> Starts:
    """The test images, as many as any method is to have: a dataset's first, or photographs in random order."""
    own = [method for method in settings.methods.values() if method.start == "image"]
    count = max((method.images or settings.images for method in own), default=settings.images)
    if images.shape is None:
        return some_photographs(images, count, preprocessing)
    places = torch.arange(len(images))[:count]
    return Starts(ids=images.ids[:count], images=to_float(images.load(places)), labels=images.labels[:count])


def some_photographs(photographs: Images, count: int, preprocessing: Preprocessing) -> Starts:
    """Photographs, resized and cropped as published. The list is sorted by label, so a fixed random order is taken:
    the first of them are of all kinds, however many a method is to have.
    """
    from spurious.views import bands  # costs the import of kornia, which tensors do without

    places = torch.randperm(len(photographs), generator=generator("order of photographs"))[:count]
    ids, images = [photographs.ids[place] for place in places.tolist()], []
    for place in places.split(1):
        view = bands.prepare(to_float(photographs.load(place)), preprocessing)
        images.append(view.clamp_(0, 1))  # a bicubic resize goes beyond
    if len({image.shape for image in images}) > 1:
        raise SpuriousError("photographs of different sizes; give the classifier a resize and a crop")
    return Starts(ids=ids, images=torch.cat(images), labels=photographs.labels[places])


def rubbish_count(images: Images, settings: FoolingSettings) -> int:
    """How many inputs that show nothing: fewer where they are as large as photographs."""
    return min(settings.rubbish, RUBBISH_ON_PHOTOGRAPHS) if images.shape is None else settings.rubbish


def example_tensors(name: str, rows: pd.DataFrame, starts: Starts, fooled: torch.Tensor) -> dict[str, torch.Tensor]:
    """The few images that the figure may show: `<method>/original` and `<method>/fooled`, float32 (n, C, H, W)."""
    places = example_places(rows)
    return {f"{name}/original": starts.images[places], f"{name}/fooled": fooled[places]}


def example_rows(rows: Sequence[pd.DataFrame], arguments: argparse.Namespace) -> str:
    """The rows of these images as JSON: a list of objects in the order of methods and images."""
    own = [part.iloc[example_places(part)] for part in rows if part["seed"].iloc[0] == arguments.seeds[0]]
    return pd.concat(own).assign(classifier=arguments.classifier)[COLUMNS].to_json(orient="records")


if __name__ == "__main__":
    run(main)
