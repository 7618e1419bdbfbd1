"""The figure of what old and strong attacks find in each arm, and of how sure the arms are of noise."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.retraining.persistence import STRONG, STRONG_FROM_NOISE
from spurious.experiments.retraining.verdicts import last_round
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WIDTH, styled
from spurious.frames import require, require_rows

COLORS = (BLACK, BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY)
ATTACKS = {STRONG: BLUE, STRONG_FROM_NOISE: VERMILION}  # the old ones are grey, each with a marker of its own
MARKERS = "osD^v"
NEEDED = ["classifier", "negatives", "target", "round", "attack", "found_share", "found_low", "found_high"]
SURE = {"mean_confidence": "mean largest p", "fpr95": "accepted noise"}


@styled
def figure(strong: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """A row of panels per classifier: what each attack finds in each arm; confidence in adversarial noise by its size.

    `strong`, `noise`: the tables `retraining-strong` and `retraining-noise`. Every arm after its last round.
    """
    require_rows(strong, NEEDED)
    require(noise, [*NEEDED[:4], "noise", "epsilon", *SURE], "the table retraining-noise")
    strong, noise = (table[last_round(table)] for table in (strong, noise))
    classifiers = list(dict.fromkeys(strong["classifier"]))
    most = max(len(_arms(strong[strong["classifier"] == name])) for name in classifiers)
    drawn = Figure(figsize=(WIDTH, len(classifiers) * (1.4 + 0.22 * most) + 0.7), layout="constrained")
    panels = drawn.subplots(len(classifiers), 3, squeeze=False, width_ratios=(1.4, 1, 1))
    for (found, *sure), classifier in zip(panels, classifiers, strict=True):
        arms = _arms(strong[strong["classifier"] == classifier])
        _draw_found(found, strong[strong["classifier"] == classifier], arms)
        found.set_title(f"{classifier}: share found", parse_math=False)
        own = noise[(noise["classifier"] == classifier) & (noise["noise"] == "adversarial")]
        for axes, (column, text) in zip(sure, SURE.items(), strict=True):
            _draw_sure(axes, own, arms, column)
            axes.set(title=text, xlabel="size of the change, L\N{INFINITY}", ylim=(-0.03, 1.03))
    keys = [*panels[0, 0].get_legend_handles_labels()], [*panels[0, 1].get_legend_handles_labels()]
    handles, labels = (keys[0][place] + keys[1][place] for place in (0, 1))
    drawn.legend(handles, labels, loc="outside lower center", ncols=3)
    return drawn


def _arms(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The arm without negatives first."""
    arms = dict.fromkeys(zip(table["negatives"], table["target"], strict=True))
    return sorted(arms, key=lambda arm: arm[0] != "none")


def _name(arm: tuple[str, str]) -> str:
    return arm[0] if arm[1] in ("none", "uniform") else f"{arm[0]}, {arm[1]}"


def _own(table: pd.DataFrame, arm: tuple[str, str]) -> pd.DataFrame:
    return table[(table["negatives"] == arm[0]) & (table["target"] == arm[1])]


def _draw_found(axes: Axes, table: pd.DataFrame, arms: list[tuple[str, str]]) -> None:
    attacks = list(dict.fromkeys(table["attack"]))
    for number, attack in enumerate(attacks):
        own = pd.concat([_own(table[table["attack"] == attack], arm) for arm in arms])
        places = np.arange(len(own)) + (number - (len(attacks) - 1) / 2) * 0.16
        share = own["found_share"].to_numpy()
        ends = np.maximum(0, [share - own["found_low"], own["found_high"] - share])
        look = {"color": ATTACKS.get(attack, GREY), "marker": MARKERS[number % len(MARKERS)]}
        axes.errorbar(share, places, xerr=ends, ls="none", ms=4, elinewidth=1, label=attack, **look)
    axes.set(yticks=range(len(arms)), xlim=(-0.03, 1.03), ylim=(len(arms) - 0.5, -0.5))
    axes.set_yticklabels([_name(arm) for arm in arms], parse_math=False)


def _draw_sure(axes: Axes, table: pd.DataFrame, arms: list[tuple[str, str]], column: str) -> None:
    for number, arm in enumerate(arms):
        own = _own(table, arm).sort_values("epsilon")
        look = {"color": COLORS[number % len(COLORS)], "ls": "--" if arm[1] == "extra" else "-"}
        axes.plot(own["epsilon"], own[column], marker=".", lw=1.2, label=f"negatives: {_name(arm)}", **look)
