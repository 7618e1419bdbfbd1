"""What the jobs of every rule took in real runs, and what the profile of Slurm asks for: docs/measured/resources.csv.

python tests/benchmarks/resources.py RESULTS... > docs/measured/resources.csv
"""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
MEMORY, TIME = 1.5, 4  # head room
LEAST_MB, LEAST_MIN = 2000, 15  # the defaults of the profile


def patterns() -> dict[str, re.Pattern]:
    """For every rule that leaves benchmark files, the paths of these below a results folder."""
    text = "".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    blocks = re.split(r"^rule (\w+):", text, flags=re.MULTILINE)[1:]
    files = {
        name: match[1]
        for name, body in zip(blocks[::2], blocks[1::2], strict=True)
        if (match := re.search(r'benchmark:\s+"results/(\S+)"', body))
    }
    return {name: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(file)) + "$") for name, file in files.items()}


def jobs(results: Path) -> Iterator[dict[str, object]]:
    """A row `rule, seconds, memory_mb` for every benchmark file; the first rule in the list that it fits."""
    # "logs/{dataset}/linear/train_seed0" fits the pattern of "logs/{dataset}/{classifier}/train_seed0", too
    known = sorted(patterns().items(), key=lambda item: item[1].pattern.count("[^/]+"))
    for path in sorted(results.glob("logs/**/*.benchmark.tsv")):
        name = path.relative_to(results).as_posix()
        rule = next((rule for rule, pattern in known if pattern.match(name)), None)
        if rule is None:
            raise ValueError(f"{path}: no rule leaves this")
        row = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        yield {"rule": rule, "seconds": row["s"], "memory_mb": row["max_rss"]}


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
