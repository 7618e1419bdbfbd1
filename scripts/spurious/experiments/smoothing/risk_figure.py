"""The figure of the error among the answered images."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spurious.experiments.smoothing.looks import looks
from spurious.experiments.smoothing.risk import risk as risk_table
from spurious.experiments.smoothing.risk import risk_curves
from spurious.figures.legends import legend_below
from spurious.figures.style import ORANGE, VERMILION, WIDTH, styled
from spurious.frames import require_rows

VOTES = {  # score of risk_curves: (legend, colour, line)
    "vote": ("agreeing votes", VERMILION, "--"),
    "combined": ("agreeing votes, then p", ORANGE, "-"),
}
LEAST = 0.02  # coverage: the error among fewer images is mere chance
MARGIN = 0.05  # of coverage, left of the first error


def scores(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Legend, colour and line of each score with an area in the table of the risk: every view, then the votes."""
    ranked = [name.removeprefix("aurc_") for name in table if name.startswith("aurc_")]
    views = looks([name for name in ranked if name not in VOTES])
    return {view: (f"p, {words}", colour, "-") for view, (words, colour, _) in views.items()} | VOTES


@styled
def risk(lines: pd.DataFrame, table: pd.DataFrame, title: str) -> Figure:
    """The error among the images that are answered, over how many those are: a panel per sigma.

    `lines`: `sigma, score, coverage, risk, reached` of one classifier and kernel, the votes marked where they are
    reached; `table`: their `sigma, n, coverage, acc_vote`
    with its bounds, drawn as a point, and the areas `aurc_<score>`, printed above the panel over the lines' colours,
    in the legend's order. A panel begins shortly before its first error by a threshold on p.
    """
    require_rows(lines, ["sigma", "score", "coverage", "risk", "reached"])
    areas = [f"aurc_{score}" for score in scores(table)]
    require_rows(table, ["sigma", "n", "coverage", "acc_vote", "acc_vote_low", "acc_vote_high", *areas])
    count = len(table)
    rows = -(-count // 2)
    figure = Figure(figsize=(WIDTH, 0.85 + 2.75 * rows), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.06, wspace=0.05)
    panels = figure.subplots(rows, 2, squeeze=False)
    for axes, row in zip(panels.flat, table.sort_values("sigma").itertuples(), strict=False):
        own = lines[lines["sigma"] == row.sigma]
        _draw_risk(axes, own, row, scores(table))
        wrong = own[(own["risk"] > 0) & (own["coverage"] >= LEAST) & (own["score"] != "vote")]
        axes.set_xlim(max(0, wrong["coverage"].min() - MARGIN) if len(wrong) else 0, 1.01)
    for axes in panels.flat[count:]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("error among the answered")
    for axes in panels.flat[max(count - 2, 0) : count]:
        axes.set_xlabel("coverage: share of images answered")
    figure.suptitle(title)
    legend_below(figure, *panels[0, 0].get_legend_handles_labels())
    return figure


def area_text(area: float) -> str:
    """An area to three decimals, a small one to four: those of a good classifier are thousandths."""
    return f"{area:.3f}" if area >= 0.00995 else f"{area:.4f}"


def _draw_risk(axes: Axes, lines: pd.DataFrame, row: tuple, drawn: dict[str, tuple[str, str, str]]) -> None:
    apart, size = 0.7 / (len(drawn) - 1), min(8, 56 / len(drawn))  # the areas share the panel's width
    for place, (score, (text, color, line)) in enumerate(drawn.items()):
        own = lines[(lines["score"] == score) & (lines["coverage"] >= LEAST)]
        width = 0.8 if score == "vote" else 1.3  # votes reach two or three points; between them a line is drawn
        marks = {"marker": "o", "markersize": 3.5, "markevery": own["reached"].tolist()} if score == "vote" else {}
        axes.plot(own["coverage"], own["risk"], color=color, linestyle=line, linewidth=width, label=text, **marks)
        area = area_text(getattr(row, f"aurc_{score}"))
        right = 0.3 + apart * place  # pale letters cannot be read: the colour is that of a line below
        axes.text(right, 1.04, area, fontsize=size, ha="right", transform=axes.transAxes)
        place_of_line = {"xy": (right - 0.013 * size, 1.015), "width": 0.013 * size, "height": 0.012}
        axes.add_patch(Rectangle(**place_of_line, facecolor=color, transform=axes.transAxes, clip_on=False))
    axes.text(0, 1.04, "area:", fontsize=8, transform=axes.transAxes)
    bounds = np.maximum([[row.acc_vote_high - row.acc_vote], [row.acc_vote - row.acc_vote_low]], 0)
    look = {"marker": "^", "markersize": 5, "color": VERMILION, "label": "majority vote"}
    axes.errorbar(row.coverage, 1 - row.acc_vote, bounds, **look)
    rejects = "" if row.coverage < 1 else ": the vote rejects none"
    axes.set_title(f"sigma {row.sigma:g}, n = {row.n:,}{rejects}", pad=17)
    axes.set_ylim(0, None)


def figure(votes: pd.DataFrame) -> Figure:
    """What the vote's rejecting is worth, beside a threshold on p: the smallest kernel of one classifier's votes."""
    kernel = votes["kernel"].min()
    lines, table = risk_curves(votes), risk_table(votes)
    title = f"{votes['classifier'].iloc[0]}, {kernel} taps: rejecting by votes and by a threshold on p"
    return risk(lines[lines["kernel"] == kernel], table[table["kernel"] == kernel], title)
