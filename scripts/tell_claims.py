"""Say where the report of a target is, and how many claims are supported, contradicted or undecided on its datasets.

`make demo` ends with it. Of the options of snakemake it reads --configfile and passes over the others. Example:
python scripts/tell_claims.py demo
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.jobs.arguments import Parser, answer_help, run


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)  # --config is snakemake's own
    parser.add_argument("target", help="demo, paper or one of your own")
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], metavar="FILE", help="as given to snakemake")
    return parser.parse_known_args(argv)[0]


answer_help(__name__, parse)

from pipeline.files.configurations import read_config
from pipeline.files.rows import read_rows
from spurious.configuration import completed
from spurious.writeups.claims import counted


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line; nothing where there is no report yet, as after a dry run."""
    arguments = parse(argv)
    report = Path(f"results/{arguments.target}.html")
    if report.is_file():
        datasets = completed(read_config(arguments.configfile))["targets"].get(arguments.target, [])
        print(f"{report}: {'; '.join(told(datasets))}")


def told(datasets: Sequence[str]) -> Iterator[str]:
    """The verdicts on each dataset, with its name where there are several."""
    for dataset in datasets:
        table = Path(f"results/{dataset}/tables/claims.csv")
        if table.is_file():
            yield (f"{dataset}: " if len(datasets) > 1 else "") + counted(read_rows([table]))


if __name__ == "__main__":
    run(main)
