"""What the jobs of every rule took in real runs, and what the profile of Slurm asks for: docs/measured/resources.csv.

python tests/benchmarks/resources.py RESULTS... > docs/measured/resources.csv
"""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

import pandas as pd  # noqa: E402 - as all that follows

from projects import written_rules  # noqa: E402
from spurious.report import provenance  # noqa: E402

MEMORY, TIME = 1.5, 4  # head room
LEAST_MB, LEAST_MIN = 2000, 15  # the defaults of the profile


def patterns() -> dict[str, str]:
    """For every rule that leaves benchmark files, the pattern of these below a results folder."""
    found = {name: re.search(r'benchmark:\s+"results/(\S+)"', text) for name, text in written_rules().items()}
    return {name: match[1] for name, match in found.items() if match}


def jobs(results: Path) -> Iterator[dict[str, object]]:
    """A row `rule, seconds, memory_mb` for every benchmark file."""
    known = patterns()
    for path in sorted(results.glob("logs/**/*.benchmark.tsv")):
        source = provenance.source_of(path.relative_to(results).as_posix(), known)
        measured = provenance.measurement(path.read_text(encoding="utf-8"))
        if source is None or measured is None:
            raise ValueError(f"{path}: no rule leaves this")
        yield {"rule": source[0], "seconds": measured.wall_s, "memory_mb": measured.max_rss_mib}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Per rule: how many jobs, the largest of each, and what to ask for."""
    table = rows.groupby("rule").agg(
        jobs=("seconds", "size"), seconds=("seconds", "max"), memory_mb=("memory_mb", "max")
    )
    minutes = table["seconds"] * TIME / 60
    table["runtime_min"] = [max(LEAST_MIN, math.ceil(value / 15) * 15) for value in minutes]
    table["mem_mb"] = [max(LEAST_MB, math.ceil(value * MEMORY / 500) * 500) for value in table["memory_mb"]]
    return table.round({"seconds": 1, "memory_mb": 0}).astype({"memory_mb": int}).reset_index()


if __name__ == "__main__":
    measured = pd.DataFrame([row for results in map(Path, sys.argv[1:]) for row in jobs(results)])
    sys.stdout.write(summary(measured).to_csv(index=False))
