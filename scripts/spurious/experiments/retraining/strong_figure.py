"""The figure of what old and strong attacks find in each arm, and of how sure the arms are of noise."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spurious.experiments.retraining.looks import LINES, MARKERS, Arm, Look, arm_keys, arms_of, looks
from spurious.experiments.retraining.persistence import STRONG, STRONG_FROM_NOISE
from spurious.experiments.retraining.verdicts import last_round
from spurious.figures.legends import legend_below
from spurious.figures.style import BLUE, GREY, VERMILION, WIDTH, styled
from spurious.frames import require, require_rows

ATTACKS = {STRONG: BLUE, STRONG_FROM_NOISE: VERMILION}  # the old ones are grey, each with a marker of its own
OF_ATTACKS = "osD^v"  # markers
NEEDED = ["classifier", "negatives", "target", "round", "attack", "found_n", "found_share", "found_low", "found_high"]
SURE = {"confident_share": "share above .95", "mean_confidence": "mean largest p", "fpr95": "share accepted"}


@styled
def figure(strong: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """A row of panels per classifier: what each attack finds in each arm; confidence in adversarial noise by its size.

    `strong`, `noise`: the tables `retraining-strong` and `retraining-noise`. Every arm after its last round.
    """
    require_rows(strong, NEEDED)
    require(noise, [*NEEDED[:4], "noise", "epsilon", *SURE], "the table retraining-noise")
    strong, noise = (table[last_round(table)] for table in (strong, noise))
    classifiers = list(dict.fromkeys(strong["classifier"]))
    most = max(len(arms_of(strong[strong["classifier"] == name])) for name in classifiers)
    drawn = Figure(figsize=(WIDTH, len(classifiers) * (1.4 + 0.22 * most) + 0.7), layout="constrained")
    own_looks = looks(arms_of(strong))
    panels = drawn.subplots(len(classifiers), 1 + len(SURE), squeeze=False, width_ratios=(1.2, *[1] * len(SURE)))
    for (found, *sure), classifier in zip(panels, classifiers, strict=True):
        of_classifier = strong[strong["classifier"] == classifier]
        arms = arms_of(of_classifier)
        _draw_found(found, of_classifier, arms)
        images = " to ".join(f"{n:,}" for n in sorted({of_classifier["found_n"].min(), of_classifier["found_n"].max()}))
        found.set_title(classifier, parse_math=False)
        found.set_xlabel(f"share found of {images} images")
        own = noise[(noise["classifier"] == classifier) & (noise["noise"] == "adversarial")]
        for axes, (column, text) in zip(sure, SURE.items(), strict=True):
            _draw_sure(axes, own, arms, column, own_looks)
            axes.set(title=text, xlabel="change, L\N{INFINITY}", xscale="log", ylim=(-0.03, 1.03))
            sizes = sorted(own["epsilon"].unique())
            axes.set_xticks(sizes, [f"{size:g}".lstrip("0") for size in sizes], minor=False)
            axes.minorticks_off()
    _legend(drawn, panels[0, 0], arms_of(strong))
    drawn.suptitle("what each attack finds in each arm, and how sure the arms are of noise")
    return drawn


def _legend(drawn: Figure, found: Axes, arms: list[Arm]) -> None:
    """Attacks, negatives and targets, each from a new row on."""
    attacks, names = found.get_legend_handles_labels()
    negatives, targets = arm_keys(arms, markersize=3)
    texts = [*names, *(key.get_label() for key in negatives + targets)]
    breaks = (len(attacks), len(attacks) + len(negatives))
    across = 4 if len(negatives) <= 4 else 3  # long names
    legend_below(drawn, [*attacks, *negatives, *targets], texts, across=across, breaks=breaks)


def _name(arm: Arm) -> str:
    return arm[0] if arm[1] in ("none", "uniform") else f"{arm[0]}, {arm[1]}"


def _own(table: pd.DataFrame, arm: Arm) -> pd.DataFrame:
    return table[(table["negatives"] == arm[0]) & (table["target"] == arm[1])]


def _draw_found(axes: Axes, table: pd.DataFrame, arms: list[Arm]) -> None:
    attacks = list(dict.fromkeys(table["attack"]))
    for number, attack in enumerate(attacks):
        own = pd.concat([_own(table[table["attack"] == attack], arm) for arm in arms])
        places = np.arange(len(own)) + (number - (len(attacks) - 1) / 2) * 0.16
        share = own["found_share"].to_numpy()
        ends = np.maximum(0, [share - own["found_low"], own["found_high"] - share])
        look = {"color": ATTACKS.get(attack, GREY), "marker": OF_ATTACKS[number % len(OF_ATTACKS)]}
        axes.errorbar(share, places, xerr=ends, ls="none", ms=4, elinewidth=1, label=attack, **look)
    axes.set(yticks=range(len(arms)), xlim=(-0.03, 1.03), ylim=(len(arms) - 0.5, -0.5))
    axes.set_yticklabels([_name(arm) for arm in arms], parse_math=False)


def _draw_sure(axes: Axes, table: pd.DataFrame, arms: list[Arm], column: str, own_looks: Mapping[str, Look]) -> None:
    for arm in arms:
        own = _own(table, arm).sort_values("epsilon")
        look = {"ls": LINES[arm[1]], **own_looks[arm[0]]}
        axes.plot(own["epsilon"], own[column], marker=MARKERS[arm[1]], markersize=3, lw=1.2, **look)
