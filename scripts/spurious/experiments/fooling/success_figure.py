"""The figure of how often every method fools, beside a random change of the same size."""

import pandas as pd
from matplotlib.figure import Figure

from spurious.figures.bars import Bar, bars_page
from spurious.figures.style import WIDTH, styled
from spurious.frames import require, require_rows
from spurious.perturbations.norms import NORMS
from spurious.perturbations.starts import IMAGE

NEEDED = ["classifier", "method", "start", "goal", "norm", "epsilon", "steps", "clamp", "seed", "n"]
RATES = ["success", "low", "high", "control", "control_low", "control_high"]
LINE = 0.19  # inches of a bar: a method's name has two lines
TITLE = "Images fooled along the gradient, by method; changes in pixels of [0, 1]"
GOALS = {"targeted": "to a given class", "untargeted": "to any other class"}


@styled
def figure(table: pd.DataFrame) -> Figure:
    """The share that each method fools, 0 to 100 %, and its control, with 95 % intervals: every method, all seeds.

    `table`: the table `fooling`. A row per method, a look per classifier, n at the right.
    """
    require(table, [*NEEDED, *RATES], "the table fooling")
    rows = table[table["seed"].astype(str) == "all"]
    require_rows(rows, NEEDED)
    bars = [_bar(row) for row in rows.itertuples()]
    return bars_page(bars, TITLE, WIDTH, line=LINE)


def _bar(row: tuple) -> Bar:
    controls = {"control": row.control, "control_low": row.control_low, "control_high": row.control_high}
    shares = {"share": row.success, "low": row.low, "high": row.high}
    return Bar(attack=_words(row), classifier=row.classifier, n=row.n, **shares, **controls)


def _words(row: tuple) -> str:
    """The method's name; below it the size of its change, its steps and what it wants."""
    size = f"{NORMS[row.norm].words} \N{LESS-THAN OR EQUAL TO} {row.epsilon:g}"
    steps = f"{row.steps} step{'s' if row.steps > 1 else ''}"
    beyond = "" if row.clamp else ", not clipped"
    start = "" if row.start == IMAGE else f"from {row.start} "
    return f"{row.method}\n{size}{beyond}, {steps}, {start}{GOALS[row.goal]}"
