"""Make one table from rows that are on disk: NAME decides which, and which inputs it needs."""

import argparse

import pandas as pd

from arrayfiles import read_arrays
from commandline import pair_argument, run, write_text
from rows import read_rows, write_rows
from spurious import (
    black_box_table,
    fooling_table,
    linear_table,
    reproduced,
    smoothing_analysis,
    smoothing_comparison,
    tables,
    transfer_table,
)


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, compute the table, write it as CSV, Markdown and HTML."""
    arguments = parse(argv)
    table = arguments.make(arguments)
    write_rows(arguments.output_csv, table)
    write_text(arguments.output_md, tables.to_markdown(table) + "\n")
    write_text(arguments.output_html, tables.to_html(table))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `make` is the function of NAME."""
    parser = argparse.ArgumentParser(description=__doc__)
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
        own.add_argument("--found-above", type=float, default=0.999, help="an image with a larger p counts as found")
        own.add_argument("--output-csv", required=True)
        own.add_argument("--output-md", required=True)
        own.add_argument("--output-html", required=True)
    return parser.parse_args(argv)


def classifiers(arguments: argparse.Namespace) -> pd.DataFrame:
    """Accuracy per classifier and seed."""
    return tables.classifiers(read_rows(arguments.predictions))


def backworking(arguments: argparse.Namespace) -> pd.DataFrame:
    """What every search found."""
    return tables.backworking(read_rows(arguments.rows), found_above=arguments.found_above)


def backworking_summary(arguments: argparse.Namespace) -> pd.DataFrame:
    """What every search found, over labels and seeds."""
    return tables.backworking_summary(read_rows(arguments.rows), found_above=arguments.found_above)


def retraining(arguments: argparse.Namespace) -> pd.DataFrame:
    """What retraining changed, per seed."""
    return tables.retraining(*retraining_rows(arguments), found_above=arguments.found_above)


def retraining_summary(arguments: argparse.Namespace) -> pd.DataFrame:
    """What retraining changed, over the seeds."""
    return tables.retraining_summary(*retraining_rows(arguments), found_above=arguments.found_above)


def retraining_rows(arguments: argparse.Namespace) -> list[pd.DataFrame]:
    """The three kinds of rows that retraining leaves, in the order of RETRAINING_ROWS."""
    return [read_rows(getattr(arguments, name)) for name in RETRAINING_ROWS]


def smoothing(arguments: argparse.Namespace) -> pd.DataFrame:
    """The rows of every classifier, as they are."""
    return read_rows(arguments.rows)


def smoothing_seeds(arguments: argparse.Namespace) -> pd.DataFrame:
    """How far the noise draw moves each rate."""
    return smoothing_comparison.seeds(read_rows(arguments.votes))


def smoothing_variants(arguments: argparse.Namespace) -> pd.DataFrame:
    """What the order of noise, resizing and blur matters."""
    return smoothing_comparison.variants(read_rows(arguments.votes))


def smoothing_tests(arguments: argparse.Namespace) -> pd.DataFrame:
    """Each view and the majority against each other, image by image."""
    return smoothing_comparison.tests(read_rows(arguments.votes))


def smoothing_agreement(arguments: argparse.Namespace) -> pd.DataFrame:
    """What the agreement of the views tells."""
    return smoothing_analysis.agreement(read_rows(arguments.votes))


def smoothing_risk(arguments: argparse.Namespace) -> pd.DataFrame:
    """The reject option against a threshold on the probability."""
    return smoothing_analysis.risk(read_rows(arguments.votes))


def linear(arguments: argparse.Namespace) -> pd.DataFrame:
    """Accuracy, smoothness and resistance of the linear classifiers."""
    steps, weights = ([read_arrays(path) for path in paths] for paths in (arguments.steps, arguments.weights))
    return linear_table.linear(read_rows(arguments.predictions), steps, weights, read_rows(arguments.history))


def linear_tests(arguments: argparse.Namespace) -> pd.DataFrame:
    """Whether regularization makes resistant and less accurate."""
    return linear_table.tests(read_rows(arguments.predictions), [read_arrays(path) for path in arguments.steps])


def linear_pair(arguments: argparse.Namespace) -> pd.DataFrame:
    """How a logistic regression confuses two classes under attack."""
    return linear_table.pair(read_rows(arguments.rows))


def linear_toy(arguments: argparse.Namespace) -> pd.DataFrame:
    """The write-up's ten dimensions."""
    return linear_table.toy()


def fooling(arguments: argparse.Namespace) -> pd.DataFrame:
    """How often every method fools a classifier by its gradient."""
    return fooling_table.fooling(read_rows(arguments.rows))


def fooling_rubbish(arguments: argparse.Namespace) -> pd.DataFrame:
    """How sure classifiers are of noise."""
    return fooling_table.rubbish(read_rows(arguments.rows))


def black_box(arguments: argparse.Namespace) -> pd.DataFrame:
    """How often scores alone are enough to fool a classifier."""
    return black_box_table.black_box(read_rows(arguments.rows), read_rows(arguments.predictions))


def transfer(arguments: argparse.Namespace) -> pd.DataFrame:
    """What the fooling images of every classifier do to every other."""
    return transfer_table.transfer(read_rows(arguments.rows))


def images_excluded(arguments: argparse.Namespace) -> pd.DataFrame:
    """The images that are left out, and why."""
    return tables.images_excluded(read_rows(arguments.list))


def published(arguments: argparse.Namespace) -> pd.DataFrame:
    """Published numbers, beside those that this run reproduced."""
    numbers = read_rows(arguments.published)
    names = dict(arguments.published_as)
    parts = []
    if arguments.smoothing:
        summary = read_rows(arguments.smoothing)
        parts.append(reproduced.smoothing(summary, numbers, dataset=arguments.dataset, published_as=names))
    if arguments.toy:
        parts.append(reproduced.toy(read_rows(arguments.toy)))
    if arguments.dataset == "imagenet64" and arguments.linear:
        best = read_rows(arguments.linear_tests)["against"].iloc[0]
        parts.append(reproduced.linear(read_rows(arguments.linear), best))
    if arguments.dataset == "mnist" and arguments.pair:
        parts.append(reproduced.pair(read_rows(arguments.pair)))
    if arguments.dataset == "mnist" and arguments.fooling:
        rows, rubbish = read_rows(arguments.fooling), read_rows(arguments.rubbish)
        parts.append(reproduced.fooling(rows, rubbish, published_as=names))
    return tables.published(numbers, pd.concat(parts) if parts else pd.DataFrame(columns=reproduced.COLUMNS))


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
