"""Make one table from rows that are on disk: NAME decides which, and which inputs it needs."""

import argparse

import pandas as pd

from pipeline.files.arrays import read_arrays
from pipeline.files.atomic import write_text
from pipeline.files.rows import read_rows, write_rows
from pipeline.jobs.arguments import PROBABILITY, Parser, pair_argument, run
from spurious.experiments.backworking import searches
from spurious.experiments.black_box import table as black_box_table_module
from spurious.experiments.classifiers import accuracies
from spurious.experiments.data import excluded
from spurious.experiments.fooling import rubbish as fooling_rubbish_module
from spurious.experiments.fooling import success
from spurious.experiments.linear import comparison, pair_table, regularization, toy
from spurious.experiments.retraining import rounds
from spurious.experiments.retraining import summary as retraining_summary_module
from spurious.experiments.smoothing import agreement, comparisons, risk, seeds, variants
from spurious.experiments.transfer import table as transfer_table_module
from spurious.report import formats
from spurious.writeups import linear as writeups_linear
from spurious.writeups import published as writeups_published
from spurious.writeups import reproduced
from spurious.writeups import smoothing as writeups_smoothing


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, compute the table, write it as CSV, Markdown and HTML."""
    arguments = parse(argv)
    table = arguments.make(arguments)
    write_rows(arguments.output_csv, table)
    write_text(arguments.output_md, formats.to_markdown(table) + "\n")
    write_text(arguments.output_html, formats.to_html(table))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `make` is the function of NAME."""
    parser = Parser(description=__doc__)
    names = parser.add_subparsers(metavar="NAME", required=True)
    for name, (make, inputs) in TABLES.items():
        own = names.add_parser(name, help=make.__doc__)
        own.set_defaults(make=make)
        for option in inputs:
            own.add_argument(f"--{option}", nargs="*", required=make is not published, default=[], metavar="CSV")
        if make is published:
            own.add_argument("--dataset", required=True, help="that the other inputs are of")
            pair = pair_argument("classifier=name")
            own.add_argument("--published-as", type=pair, nargs="*", default=[], help="classifier=name in the write-up")
        own.add_argument(
            "--found-above", type=PROBABILITY, default=0.999, help="an image with a larger p counts as found"
        )
        own.add_argument("--output-csv", required=True)
        own.add_argument("--output-md", required=True)
        own.add_argument("--output-html", required=True)
    return parser.parse_args(argv)


def classifiers(arguments: argparse.Namespace) -> pd.DataFrame:
    """Accuracy per classifier and seed."""
    return accuracies.classifiers(read_rows(arguments.predictions))


def backworking(arguments: argparse.Namespace) -> pd.DataFrame:
    """What every search found."""
    return searches.backworking(read_rows(arguments.rows), found_above=arguments.found_above)


def backworking_summary(arguments: argparse.Namespace) -> pd.DataFrame:
    """What every search found, over labels and seeds."""
    return searches.backworking_summary(read_rows(arguments.rows), found_above=arguments.found_above)


def retraining(arguments: argparse.Namespace) -> pd.DataFrame:
    """What retraining changed, per seed."""
    return rounds.retraining(*retraining_rows(arguments), found_above=arguments.found_above)


def retraining_summary(arguments: argparse.Namespace) -> pd.DataFrame:
    """What retraining changed, over the seeds."""
    return retraining_summary_module.retraining_summary(*retraining_rows(arguments), found_above=arguments.found_above)


def retraining_rows(arguments: argparse.Namespace) -> list[pd.DataFrame]:
    """The three kinds of rows that retraining leaves, in the order of RETRAINING_ROWS."""
    return [read_rows(getattr(arguments, name)) for name in RETRAINING_ROWS]


def smoothing(arguments: argparse.Namespace) -> pd.DataFrame:
    """The rows of every classifier, as they are."""
    return read_rows(arguments.rows)


def smoothing_seeds(arguments: argparse.Namespace) -> pd.DataFrame:
    """How far the noise draw moves each rate."""
    return seeds.seeds(read_rows(arguments.votes))


def smoothing_variants(arguments: argparse.Namespace) -> pd.DataFrame:
    """What the order of noise, resizing and blur matters."""
    return variants.variants(read_rows(arguments.votes))


def smoothing_tests(arguments: argparse.Namespace) -> pd.DataFrame:
    """Each view and the majority against each other, image by image."""
    return comparisons.tests(read_rows(arguments.votes))


def smoothing_agreement(arguments: argparse.Namespace) -> pd.DataFrame:
    """What the agreement of the views tells."""
    return agreement.agreement(read_rows(arguments.votes))


def smoothing_risk(arguments: argparse.Namespace) -> pd.DataFrame:
    """The reject option against a threshold on the probability."""
    return risk.risk(read_rows(arguments.votes))


def linear(arguments: argparse.Namespace) -> pd.DataFrame:
    """Accuracy, smoothness and resistance of the linear classifiers."""
    steps, weights = ([read_arrays(path) for path in paths] for paths in (arguments.steps, arguments.weights))
    return regularization.linear(read_rows(arguments.predictions), steps, weights, read_rows(arguments.history))


def linear_tests(arguments: argparse.Namespace) -> pd.DataFrame:
    """Whether regularization makes resistant and less accurate."""
    return comparison.tests(read_rows(arguments.predictions), [read_arrays(path) for path in arguments.steps])


def linear_pair(arguments: argparse.Namespace) -> pd.DataFrame:
    """How a logistic regression confuses two classes under attack."""
    return pair_table.pair(read_rows(arguments.rows))


def linear_toy(arguments: argparse.Namespace) -> pd.DataFrame:
    """The write-up's ten dimensions."""
    return toy.toy()


def fooling(arguments: argparse.Namespace) -> pd.DataFrame:
    """How often every method fools a classifier by its gradient."""
    return success.fooling(read_rows(arguments.rows))


def fooling_rubbish(arguments: argparse.Namespace) -> pd.DataFrame:
    """How sure classifiers are of noise."""
    return fooling_rubbish_module.rubbish(read_rows(arguments.rows))


def black_box(arguments: argparse.Namespace) -> pd.DataFrame:
    """How often scores alone are enough to fool a classifier."""
    return black_box_table_module.black_box(read_rows(arguments.rows), read_rows(arguments.predictions))


def transfer(arguments: argparse.Namespace) -> pd.DataFrame:
    """What the fooling images of every classifier do to every other."""
    return transfer_table_module.transfer(read_rows(arguments.rows))


def images_excluded(arguments: argparse.Namespace) -> pd.DataFrame:
    """The images that are left out, and why."""
    return excluded.images_excluded(read_rows(arguments.list))


def published(arguments: argparse.Namespace) -> pd.DataFrame:
    """Published numbers, beside those that this run reproduced."""
    numbers = read_rows(arguments.published)
    names = dict(arguments.published_as)
    parts = []
    if arguments.smoothing:
        summary = read_rows(arguments.smoothing)
        parts.append(writeups_smoothing.smoothing(summary, numbers, dataset=arguments.dataset, published_as=names))
    if arguments.toy:
        parts.append(writeups_linear.toy(read_rows(arguments.toy)))
    if arguments.dataset == "imagenet64" and arguments.linear:
        best = read_rows(arguments.linear_tests)["against"].iloc[0]
        parts.append(writeups_linear.linear(read_rows(arguments.linear), best))
    if arguments.dataset == "mnist" and arguments.pair:
        parts.append(writeups_linear.pair(read_rows(arguments.pair)))
    if arguments.dataset == "mnist" and arguments.fooling:
        rows, rubbish = read_rows(arguments.fooling), read_rows(arguments.rubbish)
        parts.append(writeups_linear.fooling(rows, rubbish, published_as=names))
    return writeups_published.published(
        numbers, pd.concat(parts) if parts else pd.DataFrame(columns=reproduced.COLUMNS)
    )


RETRAINING_ROWS = ("attacks", "old", "predictions")
TABLES = {
    "classifiers": (classifiers, ("predictions",)),
    "backworking": (backworking, ("rows",)),
    "backworking-summary": (backworking_summary, ("rows",)),
    "retraining": (retraining, RETRAINING_ROWS),
    "retraining-summary": (retraining_summary, RETRAINING_ROWS),
    "smoothing": (smoothing, ("rows",)),
    "smoothing-seeds": (smoothing_seeds, ("votes",)),
    "smoothing-variants": (smoothing_variants, ("votes",)),
    "smoothing-tests": (smoothing_tests, ("votes",)),
    "smoothing-agreement": (smoothing_agreement, ("votes",)),
    "smoothing-risk": (smoothing_risk, ("votes",)),
    "linear": (linear, ("predictions", "steps", "weights", "history")),
    "linear-tests": (linear_tests, ("predictions", "steps")),
    "linear-pair": (linear_pair, ("rows",)),
    "linear-toy": (linear_toy, ()),
    "fooling": (fooling, ("rows",)),
    "fooling-rubbish": (fooling_rubbish, ("rows",)),
    "black_box": (black_box, ("rows", "predictions")),
    "transfer": (transfer, ("rows",)),
    "images-excluded": (images_excluded, ("list",)),
    "published": (
        published,
        ("published", "smoothing", "toy", "linear", "linear-tests", "pair", "fooling", "rubbish"),
    ),
}

if __name__ == "__main__":
    run(main)
