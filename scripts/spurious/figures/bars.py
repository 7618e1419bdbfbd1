"""Shares with intervals in rows: what was attacked, how often it worked, and how often chance did."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spurious.figures.classifiers import Look, classifier_looks
from spurious.figures.legends import legend_below
from spurious.figures.style import GREY

LINE, FRAME, GAP = 0.155, 1.55, 0.7  # inches of a bar and around all of them; lines between two attacks
MARKER = {"marker": "o", "markersize": 4.5}
NUMBER = {"textcoords": "offset points", "fontsize": 7.5, "color": GREY}  # of images, beside a bar
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One attack on one classifier: the share that it fools and that of its control, with intervals (nan: none)."""

    attack: str
    classifier: str
    share: float
    low: float
    high: float
    n: int
    control: float = NAN
    control_low: float = NAN
    control_high: float = NAN


def bars_page(bars: Sequence[Bar], title: str, width: float, *, line: float = LINE) -> Figure:
    """The bars on a page of so many inches, 0 to 100 %: a row per attack, a look per classifier, n at the right.

    Hollow and grey: the control. `line`: inches of a bar. The rows are in the order of the bars, and so is the
    legend.
    """
    attacks = list(dict.fromkeys(bar.attack for bar in bars))
    looks = classifier_looks([bar.classifier for bar in bars])
    drawn = Figure(figsize=(width, FRAME + line * (len(bars) + GAP * len(attacks))), layout="constrained")
    axes = drawn.subplots()
    top, middles = 0.0, []
    for attack in attacks:
        own = [bar for bar in bars if bar.attack == attack]
        for place, bar in enumerate(own):
            _draw(axes, top + place, bar, looks[bar.classifier])
        middles.append(top + (len(own) - 1) / 2)
        top += len(own) + GAP
    axes.set(xlim=(-2, 102), ylim=(top - GAP, -GAP), xlabel="fooled, %", yticks=middles, yticklabels=attacks)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.annotate("images", (1, 1), (4, 2), xycoords="axes fraction", **NUMBER)
    drawn.suptitle(title)
    _legend(drawn, looks)
    return drawn


def _draw(axes: Axes, y: float, bar: Bar, look: Look) -> None:
    axes.plot([100 * bar.control_low, 100 * bar.control_high], [y, y], color=GREY, linewidth=0.8)
    axes.plot([100 * bar.low, 100 * bar.high], [y, y], color=look["color"], linewidth=1.4, solid_capstyle="butt")
    axes.plot(100 * bar.share, y, **MARKER | look)
    axes.plot(100 * bar.control, y, color=GREY, markerfacecolor="none", **MARKER)
    axes.annotate(f"{bar.n:,}", (1, y), (4, 0), xycoords=("axes fraction", "data"), va="center", **NUMBER)


def _legend(drawn: Figure, looks: dict[str, Look]) -> None:
    keys = [Line2D([], [], label=name, **MARKER | look) for name, look in looks.items()]
    hollow = {"color": GREY, "markerfacecolor": "none", "linestyle": "none", **MARKER}
    control = Line2D([], [], label="random change of the same size", **hollow)
    legend_below(drawn, [*keys, control], fontsize=7.5)
