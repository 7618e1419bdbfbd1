"""Run every benchmark, print the table and write results/benchmarks.csv.

Each row compares two ways of doing the same thing in this run, on this machine: `ratio` tells how many times
better ours is than the reference. Benchmarks that need MNIST say so where it is not there.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(ROOT / "scripts"), str(ROOT / "tests")]

from tabulate import tabulate  # noqa: E402

import benchmark_backworking  # noqa: E402 - found through the paths above
import benchmark_black_box  # noqa: E402
import benchmark_certification  # noqa: E402
import benchmark_demo  # noqa: E402
import benchmark_fooling  # noqa: E402
import benchmark_linear  # noqa: E402
import benchmark_robustness  # noqa: E402
import benchmark_scaling  # noqa: E402
import benchmark_smoothing  # noqa: E402
import benchmark_store  # noqa: E402
import benchmark_training  # noqa: E402
from measuring import Row  # noqa: E402
from pipeline.files.atomic import whole_file  # noqa: E402

BENCHMARKS = {
    "backworking": benchmark_backworking.rows,
    "training": benchmark_training.rows,
    "smoothing": benchmark_smoothing.rows,
    "linear": benchmark_linear.rows,
    "fooling": benchmark_fooling.rows,
    "black_box": benchmark_black_box.rows,
    "certification": benchmark_certification.rows,
    "robustness": benchmark_robustness.rows,
    "store": benchmark_store.rows,
    "scaling": benchmark_scaling.rows,
    "demo": benchmark_demo.rows,
}


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The names of benchmarks on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="benchmark", help="all without a name")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the named benchmarks, all without a name."""
    names = parse(argv).names or BENCHMARKS
    rows = [row for name in names for row in BENCHMARKS[name](ROOT)]
    print(tabulate(rows, headers=Row._fields, floatfmt=".4g"))
    with whole_file(ROOT / "results" / "benchmarks.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
