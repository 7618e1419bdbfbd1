"""The command line of a program: errors in one line, settings and pairs as arguments, threads and GPUs."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.jobs.edits import end_after_edits
from pipeline.jobs.lifetime import end_with_pipeline
from pipeline.jobs.progress import end_bars
from spurious.errors import SpuriousError

if TYPE_CHECKING:  # a script that only moves files or tables should not pay for importing pydantic
    from spurious.registry import Parsed

LARGEST = 2**63 - 1  # that a tensor holds
EXTENSIONS = "SPURIOUS_EXTENSIONS"  # variable of the environment: a JSON list, config.yaml's `extensions`


def run(main: Callable[[], None]) -> None:
    """Call `main`; what a user can fix is printed as one line and ends with exit status 1.

    A job of the pipeline ends with the snakemake that started it, and where its code was edited since.
    """
    end_with_pipeline()
    try:
        end_after_edits()
        main()
    except SpuriousError as error:
        sys.exit(f"error: {error}")
    finally:  # of bars that failed half-way: Python prints the error afterwards
        end_bars()


def answer_help(name: str, parse: Callable[[list[str] | None], object]) -> None:
    """Print the help and exit where the program `name` was started ("__main__") with --help.

    A program calls it above its imports of torch, pandas and the like, which take seconds.
    """
    if name == "__main__" and not {"-h", "--help"}.isdisjoint(sys.argv[1:]):
        run(lambda: parse(None))


class Parser(argparse.ArgumentParser):
    """A command line whose mistakes are reported in one line, as every other mistake: "--kernel: 0 is not ..."."""

    def error(self, message: str) -> NoReturn:
        """SpuriousError instead of the usage and exit status 2."""
        raise SpuriousError(" ".join(message.removeprefix("argument ").split())) from None


def whole_number(what: str, least: int = 1, most: int = LARGEST, *, odd: bool = False) -> Callable[[str], int]:
    """An argparse type: `what` is a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most or (odd and value % 2 == 0):
            raise argparse.ArgumentTypeError(f"{text[:80]} is not {what}")
        return value

    return parse


def number(
    what: str, least: float = 0.0, most: float = math.inf, *, least_allowed: bool = True
) -> Callable[[str], float]:
    """An argparse type: `what` is a finite number from `least`, which may be excluded, to `most`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not least <= value <= most or (value == least and not least_allowed):
            raise argparse.ArgumentTypeError(f"{text[:80]} is not {what}")
        return value

    return parse


SEED = whole_number("a seed, a whole number from 0 to 2^63 - 1", 0)
COUNT = whole_number("a whole number of 1 or more")
INDEX = whole_number("a whole number of 0 or more", 0)
KERNEL = whole_number("a positive odd number of taps", odd=True)
THREADS = whole_number("a number of threads from 1 to 1024", 1, 1024)
SIGMA = number("a standard deviation, a number of 0 or more")
ABOVE_ZERO = number("a number above 0", least_allowed=False)


# What is more to say of the options that several programs have; the others are paths.
SHARED: dict[str, dict[str, Any]] = {
    "classifier": {"help": "its name, for the rows"},
    "weights": {"help": "the classifier's file"},
    "seed": {"type": SEED},
    "seeds": {"type": SEED, "nargs": "+"},
    "label": {"type": INDEX},
    "classes": {"type": COUNT, "help": "how many the dataset has"},
}


def add_required(parser: argparse.ArgumentParser, *names: str) -> None:
    """Required options; those that several programs have are described in SHARED."""
    for name in names:
        parser.add_argument(f"--{name}", required=True, **SHARED.get(name, {}))


def settings_argument(cls: "type[Parsed]") -> "Callable[[str], Parsed]":
    """An argparse type: JSON text into the frozen settings `cls`, whose kinds may come from EXTENSIONS."""
    from spurious.registry import parse

    return _settings_from(lambda value: parse(cls, value))


def named_settings_argument(cls: "type[Parsed]") -> "Callable[[str], dict[str, Parsed]]":
    """An argparse type: JSON text of an object into such settings by name."""
    from spurious.registry import parse

    return _settings_from(lambda value: {name: parse(cls, own, name) for name, own in value.items()})


def _settings_from(parse: Callable[[dict[str, Any]], Any]) -> Callable[[str], Any]:
    """An argparse type: what `parse` makes of a JSON object, once the kinds of EXTENSIONS are there."""

    def parsed(text: str) -> Any:
        try:
            declare_own_kinds()
            return parse(json_argument(text))
        except SpuriousError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def declare_own_kinds() -> None:
    """Import the files of EXTENSIONS; SpuriousError where one cannot be imported."""
    from spurious.registry import load_extensions

    load_extensions(extensions())


def extensions() -> list[str]:
    """The files of kinds of one's own that this job is to know."""
    return json.loads(os.environ.get(EXTENSIONS, "[]"))


def json_argument(text: str) -> dict[str, Any]:
    """An argparse type: JSON text of an object into a mapping."""
    return _from_json(text, dict, "a JSON object, keys with values in braces")


def json_list_argument(text: str) -> list[Any]:
    """An argparse type: JSON text of a list."""
    return _from_json(text, list, "a JSON list, values in brackets")


def _from_json(text: str, kind: type, what: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not JSON ({error})") from None
    if not isinstance(value, kind):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not {what}")
    return value


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
    parser.add_argument("--threads", type=THREADS, default=1, help="torch threads; part of the result's last digits")
    parser.add_argument("--gpu", type=INDEX, default=0, help="GPUs granted by the scheduler; 0 computes on the CPU")
    parser.add_argument("--gres", action=_Gres, default="", help="Slurm's generic resources: gpu:2 are two GPUs, too")


class _Gres(argparse.Action):
    """Count the GPUs among Slurm's generic resources, such as "gpu", "gpu:2" or "gpu:a100:2", as granted."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        name, *others = values.split(":")
        if name == "gpu":
            number = others[-1] if others and others[-1].isdecimal() else "1"
            namespace.gpu = max(namespace.gpu, int(number))
