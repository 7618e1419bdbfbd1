"""Search images that fool one classifier, seeing its scores only: by evolution, and at random beside it."""

import argparse

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
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

from pipeline.files.any_classifier import open_any
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset, write_tensors
from pipeline.jobs.progress import progress_bar
from spurious.classifiers.scikit_learn import scores_of, stored_by
from spurious.experiments.black_box.rows import elites_rows
from spurious.experiments.black_box.searches import queries, search_all, tasks_of


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
    tasks = tasks_of(data, scores, settings, arguments.seed)
    of = {"classifier": arguments.classifier, "seed": arguments.seed}
    with progress_bar(desc=f"searching {arguments.classifier}", total=queries(tasks, settings), unit="query") as bar:
        rows, images = search_all(tasks, scores, stored, settings, of, bar.update)
        elites = elites_rows(scores, data.image_shape, settings.map_elites, of, bar.update)
    write_rows(arguments.rows, rows)
    write_tensors(arguments.images, images)
    write_rows(arguments.elites, elites)


if __name__ == "__main__":
    run(main)
