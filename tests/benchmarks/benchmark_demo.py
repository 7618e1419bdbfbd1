"""How much of `make demo` is not model work: start of jobs, imports, scheduling, report.

Model work is what the jobs that train, search, sweep and fool take beyond starting up and importing; the rest of
the cores' time is overhead. The reference is the whole time, so the ratio tells how many times the overhead fits
into it.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from measuring import Row, median_seconds
from projects import copy_project

SCRIPTS = {
    "train": "train_classifier.py",
    "backwork": "backwork_label.py",
    "retrain": "retrain_classifier.py",
    "smooth": "smooth_shard.py",
    "fool": "fool_classifier.py",
    "fit": "fit_classifier.py",
    "search": "search_scores.py",
    "transfer": "transfer_images.py",
    "attack": "attack_defence.py",
    "certify": "certify_classifier.py",
}
CORES = 2


def rows(root: Path) -> Iterator[Row]:
    """Wall time of the demo on two cores, and the part of the cores' time that is no model work."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_project(Path(folder))
        wall = _run_demo(copy)
        jobs = list(copy.glob("results/logs/digits/**/*.benchmark.tsv"))
        start = {name: _start_seconds(copy, script) for name, script in SCRIPTS.items()}
        work = sum(pd.read_csv(job, sep="\t")["s"].iloc[0] - start[re.split("[_.]", job.name)[0]] for job in jobs)
    overhead = 1 - work / (CORES * wall)
    yield Row(f"demo without installation, {CORES} cores", wall, 200, 200 / wall, "s (limit 200)")
    yield Row("demo, share that is no model work", 100 * overhead, 100, 1 / overhead, "% of the cores' time")


def _run_demo(folder: Path) -> float:
    command = [sys.executable, "-m", "snakemake", "demo", "--cores", str(CORES), "--quiet", "all"]
    report = ["--report", "results/demo.html", "--report-after-run"]
    start = time.perf_counter()
    subprocess.run([*command, *report], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def _start_seconds(folder: Path, script: str) -> float:
    """Seconds that a script takes to start and import everything; its help comes before that."""
    command = [sys.executable, "-c", f"import {Path(script).stem}"]
    return median_seconds(lambda: subprocess.run(command, cwd=folder / "scripts", check=True), repeat=3)
