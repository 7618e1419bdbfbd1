"""Rules of the claims about noise that a CNN gives to a label, and about retraining on it.

`backworking-ablation` has a row per classifier and `setting`, over the labels and seeds: `n` images, `gain`, what it
finds more of them than the first setting, with `gain_low, gain_high`, and `collided`, the share of pairs that lie close
together, with `collided_low, collided_high`.
"""

from collections.abc import Callable

import pandas as pd

from spurious.frames import keeps_pixels
from spurious.writeups.judging import (
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    Finding,
    NotRun,
    above,
    below,
    chosen,
    difference,
    first_classifier,
    halved,
    rate,
    rule,
    smallest,
)

STRONGLY = 0.9999
PUBLISHED = "published"
MATTERS = 0.05  # of the pairs: what counts as a collision problem


@rule("every-label")
def every_label(table: pd.DataFrame) -> Finding:
    """Labels with an image above STRONGLY from any search that keeps pixels in [0, 1].

    Supported where every net has one for every label, contradicted where some label has one in no net: as far as the
    searches go.
    """
    own = first_classifier(table[keeps_pixels(table["search"])])
    found = (own["p_max"] > STRONGLY).groupby([own["label"], own["seed"]]).any()
    labels = found.groupby("label")
    verdict = SUPPORTED if found.all() else UNDECIDED if labels.any().all() else CONTRADICTED
    measured = f"labels with p > {STRONGLY} in every net, by any search ({own['classifier'].iloc[0]})"
    share = labels.all().mean()  # of all labels, not of a sample: it has no interval
    return Finding(verdict=verdict, measured=measured, value=share, n=labels.ngroups)


@rule("unlike-training")
def unlike_training(table: pd.DataFrame) -> Finding:
    """Distance to the nearest training image of the label, over that of test images: unlike is above 1.

    The smallest of the searches counts, of those that found enough images for an interval.
    """
    own = chosen(first_classifier(table).query("n > 0"), "found images")
    sure = own.dropna(subset=["low", "high"])
    row = smallest(sure if len(sure) else own, "ratio")
    measured = (
        "median distance to the nearest training image of the label, over that of test images:"
        f" the smallest with an interval, {row['search']} ({row['classifier']})"
    )
    value, low, high = rate(row, "ratio", "")
    return Finding(verdict=above(low, high, 1.0), measured=measured, value=value, low=low, high=high, n=row["n"])


def _pair(table: pd.DataFrame, first: str, second: str) -> tuple[pd.Series, pd.Series]:
    """The rows of two settings of the ablation, of the first classifier."""
    own = first_classifier(table)
    rows = (chosen(own, f"the setting {name!r}", setting=name).iloc[0] for name in (first, second))
    return next(rows), next(rows)


def _found_more(table: pd.DataFrame, other: str, words: str) -> Finding:
    """Whether the published setting finds more than another, from the same starting images."""
    with_it, without = _pair(table, PUBLISHED, other)
    if first_classifier(table)["setting"].iloc[0] != PUBLISHED:
        raise NotRun(f"the setting {PUBLISHED!r} is not the first, with which the others are compared")
    value, low, high = (0.0 - without[name] for name in ("gain", "gain_high", "gain_low"))
    measured = f"share found {words} ({with_it['classifier']})"
    return Finding(verdict=above(low, high), measured=measured, value=value, low=low, high=high, n=with_it["n"])


@rule("large-batches-collide")
def large_batches_collide(table: pd.DataFrame) -> Finding:
    """Pairs that collide in a large batch without the batch's cost, more than in a small one by MATTERS."""
    large, small = _pair(table, "batch 128, no batch cost", "batch 8, no batch cost")
    return _collided(large, small, "in batches of 128, more than of 8, without the batch's cost", MATTERS)


@rule("batch-term-prevents")
def batch_term_prevents(table: pd.DataFrame) -> Finding:
    """Pairs that collide in a large batch without the batch's cost, more than with it."""
    without, with_it = _pair(table, "batch 128, no batch cost", "batch 128")
    return _collided(without, with_it, "in batches of 128 without the batch's cost, more than with it", 0.0)


def _collided(more: pd.Series, fewer: pd.Series, words: str, bound: float) -> Finding:
    value, low, high = difference(rate(more, "collided"), rate(fewer, "collided"))
    measured = f"share of pairs that collide {words} ({more['classifier']})"
    return Finding(verdict=above(low, high, bound), measured=measured, value=value, low=low, high=high, n=more["n"])


@rule("higher-layers")
def higher_layers(table: pd.DataFrame) -> Finding:
    """What the published weights find more than equal weights of all hidden layers."""
    return _found_more(table, "equal layer weights", "with higher weights on higher layers, more than with equal ones")


@rule("reinitialization")
def reinitialization(table: pd.DataFrame) -> Finding:
    """What the search finds more with fresh starts than without."""
    return _found_more(table, "no re-initialization", "with fresh starts of stuck images, more than without")


def arm(table: pd.DataFrame, target: str) -> tuple[pd.Series, pd.Series]:
    """(the arm of found images with this target after its last round, the nets before), under the primary attack."""
    own = first_classifier(table)
    words = f"retraining on found images with the target {target}"
    last = chosen(own, words, primary="yes", negatives="backworked", target=target).iloc[-1]
    before = chosen(own, "the nets before retraining", round=0, attack=last["attack"]).iloc[0]
    return last, before


def still_found(table: pd.DataFrame, target: str, compared: Callable[[float, float], str]) -> Finding:
    """The share that is still found in the nets retrained with a target, `compared` with half of that before."""
    last, before = arm(table, target)
    measured = f"images that ascent on log p still finds in the retrained net, {before['found_share']:.0%} before"
    still, earlier = (rate(row, "found_share", "found_") for row in (last, before))
    verdict = compared(*difference(still, halved(earlier))[1:])
    value, low, high = still
    measured += f" ({last['classifier']})"
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=last["found_n"])


@rule("retraining-repairs")
def retraining_repairs(table: pd.DataFrame) -> Finding:
    """The share that the strongest attack still finds after the last round: below half of that before is a repair."""
    return still_found(table, "uniform", below)


@rule("retraining-raises-accuracy")
def retraining_raises_accuracy(table: pd.DataFrame) -> Finding:
    """Accuracy against as many epochs without negatives, paired by seed and image.

    Contradicted by a loss, and where neither a gain nor a loss can matter.
    """
    last, _ = arm(table, "uniform")
    verdicts = {"higher": SUPPORTED, "lower": CONTRADICTED, "no change that matters": CONTRADICTED}
    value, low, high = rate(last, "accuracy_difference")
    measured = f"accuracy gained on as many epochs without found images ({last['classifier']})"
    verdict = verdicts.get(last["accuracy_verdict"], UNDECIDED)
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=last["accuracy_n"])
