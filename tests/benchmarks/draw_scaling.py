"""Draw docs/scaling.png from docs/measured/scaling.csv: `python tests/benchmarks/draw_scaling.py` in the project."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402 - found through the path above
import pandas as pd  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: E402

from pipeline.files.atomic import whole_file  # noqa: E402
from spurious.figures.style import BLUE, GREY, VERMILION, WIDTH, render, styled  # noqa: E402


def main() -> None:
    """Read the table, write the figure."""
    table = pd.read_csv(ROOT / "docs" / "measured" / "scaling.csv")
    with whole_file(ROOT / "docs" / "scaling.png") as path:
        path.write_bytes(render(draw_scaling(table), "png"))


@styled
def draw_scaling(table: pd.DataFrame) -> Figure:
    """Processor time (s) and memory (MB) of the head over the number of planned jobs, beside linear growth."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    time, memory = figure.subplots(1, 2)
    _curve(time, table, "cpu_seconds", BLUE, "processor time of the dry run, s")
    _curve(memory, table, "memory", VERMILION, "peak memory of the head, MB")
    return figure


def _curve(axes: Axes, table: pd.DataFrame, column: str, colour: str, label: str) -> None:
    """One column, log-log; dashed: what a start and a constant for each job give, through the first and last point."""
    jobs, first, last = table["jobs"], table.iloc[0], table.iloc[-1]
    each = (last[column] - first[column]) / (last["jobs"] - first["jobs"])
    grid = np.geomspace(first["jobs"], last["jobs"], 100)
    axes.plot(grid, first[column] + each * (grid - first["jobs"]), color=GREY, linestyle="--", label="linear growth")
    axes.plot(jobs, table[column], color=colour, marker="o", linestyle="none", label="measured")
    for x, y in zip(jobs, table[column], strict=True):
        axes.annotate(f"{y:.3g}", (x, y), xytext=(-6, 4), textcoords="offset points", ha="right", fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="planned jobs", ylabel=label)
    axes.margins(0.15)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left")


if __name__ == "__main__":
    main()
