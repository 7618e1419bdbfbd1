"""The command line of a program: errors in one line, settings and pairs as arguments, threads and GPUs."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pipeline.jobs.lifetime import end_with_pipeline
from spurious.errors import SpuriousError

if TYPE_CHECKING:  # a script that only moves files or tables should not pay for importing torch
    pass


Settings = TypeVar("Settings")


def run(main: Callable[[], None]) -> None:
    """Call `main`; what a user can mend is printed as one line and ends with exit status 1.

    A job of the pipeline ends with the snakemake that started it.
    """
    end_with_pipeline()
    try:
        main()
    except SpuriousError as error:
        sys.exit(f"error: {error}")


def settings_argument(cls: type[Settings]) -> Callable[[str], Settings]:
    """An argparse type: JSON text into the frozen settings `cls`."""
    from spurious.settings import from_mapping

    def parse(text: str) -> Settings:
        return from_mapping(cls, json.loads(text))

    parse.__name__ = cls.__name__
    return parse


def pair_argument(names: str) -> Callable[[str], tuple[str, str]]:
    """An argparse type: text such as "key=path", which is what `names` is, into the two."""

    def parse(text: str) -> tuple[str, str]:
        first, separator, second = text.partition("=")
        if not separator:
            raise argparse.ArgumentTypeError(f"{text!r} is not {names}")
        return first, second

    return parse


def add_compute_arguments(parser: argparse.ArgumentParser) -> None:
    """--threads and --gpu, as every script that computes with torch has them."""
    parser.add_argument("--threads", type=int, default=1, help="torch threads; part of the result's last digits")
    parser.add_argument("--gpu", type=int, default=0, help="GPUs granted by the scheduler; 0 computes on the CPU")
