"""Join the shards of a noise sweep and summarize them, one row per kernel and sigma."""

import argparse
from collections.abc import Sequence

from pipeline.files.atomic import whole_file
from pipeline.jobs.arguments import Parser, add_required, answer_help, run
from pipeline.jobs.progress import progress, tell_of
from spurious.errors import SpuriousError, reason_of


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    add_required(parser, "classifier", "classes")
    parser.add_argument("--shards", nargs="+", required=True, help="what smooth_shard.py wrote")
    parser.add_argument("--votes", required=True, help="output: the rows of all variants and noise seeds")
    parser.add_argument("--images", required=True, help="output: the rows of the published variant, first noise seed")
    parser.add_argument("--summary", required=True, help="output: their rates with 95 %% intervals")
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.rows import TEXT
from spurious.experiments.smoothing.clean import clean_rows
from spurious.experiments.smoothing.rates import in_order, main_rows, summarize
from spurious.experiments.smoothing.rows import main_columns, number_types, views_of
from spurious.statistics.chance import near_chance


def main(argv: list[str] | None = None) -> None:
    """Read the shards; write all rows in one order, those of the published variant, and their summary."""
    arguments = parse(argv)
    votes = in_order(joined(arguments.shards))
    votes.insert(0, "classifier", arguments.classifier)
    images = main_rows(votes)[main_columns(views_of(votes))]
    summary = summarize(images, arguments.classifier)
    tell_of(arguments.classifier, near_chance(*clean_rows(main_rows(votes)), arguments.classes))
    for path, table in {arguments.votes: votes, arguments.images: images, arguments.summary: summary}.items():
        with whole_file(path) as file:
            table.to_csv(file, index=False)


def joined(paths: Sequence[str]) -> pd.DataFrame:
    """The rows of all shards; SpuriousError where one has other views than the first."""
    shards = [read_shard(path) for path in progress(paths, "shards", unit="shard")]
    for path, shard in zip(paths, shards, strict=True):
        if list(shard) != list(shards[0]):
            raise SpuriousError(
                f"{path}: has the views {', '.join(views_of(shard))}, but {paths[0]} has"
                f" {', '.join(views_of(shards[0]))}; delete them and run again"
            )
    return pd.concat(shards, ignore_index=True)


def read_shard(path: str) -> pd.DataFrame:
    """The rows of one shard; SpuriousError where the file is none."""
    try:
        views = views_of(pd.read_csv(path, nrows=0), path)
        known = {name: TEXT[name] for name in ("image", "variant")} | number_types(views)
        # an image may be called "NA"
        return pd.read_csv(path, usecols=known, dtype=known, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise SpuriousError(f"{path}: not a readable shard ({reason}); delete it and run again") from None


if __name__ == "__main__":
    run(main)
