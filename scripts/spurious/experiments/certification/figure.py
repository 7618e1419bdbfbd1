"""The figure of certified accuracy over the radius."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.certification.table import NEEDED, groups, right_radii
from spurious.figures.legends import legend_below
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled
from spurious.frames import require_rows
from spurious.rates import interval

COLORS = (GREY, SKY, VERMILION, GREEN, BLUE, ORANGE, PURPLE, BLACK)


@styled
def figure(rows: pd.DataFrame) -> Figure:
    """Certified accuracy over the L2 radius: a panel for each classifier and noise, a line with its interval (Wilson
    95 %) for each defence. `rows`: what `certify_classifier.py` writes.
    """
    require_rows(rows, NEEDED)
    panels = list(dict.fromkeys((classifier, sigma) for (classifier, _, sigma), _ in groups(rows)))
    names = list(dict.fromkeys(rows["defence"]))
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    drawn = Figure(figsize=(WIDTH, 1.0 + 2.6 * lines), layout="constrained")
    axes = drawn.subplots(lines, columns, sharey=True, squeeze=False).flat
    for (classifier, sigma), panel in zip(panels, axes, strict=False):
        own = rows[(rows["classifier"] == classifier) & (rows["sigma"] == sigma)]
        for defence, part in own.groupby("defence", sort=False):
            place = names.index(defence)
            width = 1.5 + 3 * (len(names) - 1 - place) / len(names)  # equal lines stay visible under each other
            _draw(panel, right_radii(part), defence, {"color": COLORS[place % len(COLORS)], "linewidth": width})
        first = own[own["defence"] == own["defence"].iloc[0]]
        panel.set_title(f"{classifier}, σ = {sigma:g}\nn = {len(first):,}, {first['n'].iloc[0]:,} draws")
        panel.set_xlabel("L2 radius, pixels in [0, 1]")
        panel.set_ylim(-0.02, 1.02)
    for panel in list(axes)[len(panels) :]:
        panel.remove()
    drawn.axes[0].set_ylabel("certified accuracy")
    lines = {line.get_label(): line for panel in drawn.axes for line in panel.lines if line.get_label() in names}
    legend_below(drawn, list(lines.values()), list(lines), across=4)
    drawn.suptitle("decisions that no change within a radius can move" + ("" if len(names) > 1 else f": {names[0]}"))
    return drawn


def _draw(axes: Axes, radii: pd.Series, name: str, style: dict[str, object]) -> None:
    """The share of radii that reach each of them: it falls behind a radius."""
    reached = np.r_[0, np.unique(radii[radii > 0])]
    hits = (radii.to_numpy()[None] >= reached[:, None]).sum(1)
    low, high = interval(hits, len(radii))
    ends = np.r_[reached, reached[-1]]
    axes.step(ends, np.r_[hits / len(radii), 0], where="pre", label=name, **style)
    for bound in (low, high):
        axes.step(ends, np.r_[bound, 0], where="pre", **style | {"linewidth": 0.5})
