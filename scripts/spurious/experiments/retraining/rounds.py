"""The table of what retraining changed, per seed."""

import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import interval

ARM = ["negatives", "target"]


def retraining(
    attacks: pd.DataFrame, old: pd.DataFrame, predictions: pd.DataFrame, *, found_above: float = 0.999
) -> pd.DataFrame:
    """What retraining changed: a row per (negatives, target, round, seed, attack).

    `attacks`: `negatives, target, round, seed, attack, label, steps, p` per image of an attack on the net of
    that round; `old`: `negatives, target, round, seed, judge, p` per image of the round before, judged by
    the retrained net and by the control, an unretrained net of another seed; `predictions`: `negatives,
    target, round, seed, label, predicted` per test image. Round 0 are the nets before retraining.

    Returns `negatives, target, round, seed, accuracy, old_p_mean, attack, found, steps, accuracy_low,
    accuracy_high, control_p_mean, images`: the bounds are Wilson 95 % intervals, `found` counts p above
    `found_above` among the attack's `images`, `steps` is the median over the labels.
    """
    keys = [*ARM, "round", "seed"]
    require(attacks, [*keys, "attack", "label", "steps", "p"], "attacks")
    require(old, [*keys, "judge", "p"], "old images")
    # The nets before retraining belong to all arms: when several bring their rows along, they count once.
    attacks, old, predictions = (frame.drop_duplicates() for frame in (attacks, old, predictions))
    table = _attack_counts(attacks, keys, found_above)
    table = table.merge(_accuracies(predictions, keys), on=keys, how="left", validate="many_to_one")
    for judge, name in (("retrained", "old_p_mean"), ("control", "control_p_mean")):
        means = old[old["judge"] == judge].groupby(keys)["p"].mean().rename(name)
        table = table.merge(means, on=keys, how="left", validate="many_to_one")
    missing = table[table["accuracy"].isna()]
    if len(missing):
        raise SpuriousError(f"predictions: none for {missing[keys].iloc[0].to_dict()}; run that retraining again")
    last = ["accuracy_low", "accuracy_high", "control_p_mean", "images"]
    return table[[*keys, "accuracy", "old_p_mean", "attack", "found", "steps", *last]]


def _attack_counts(attacks: pd.DataFrame, keys: list[str], found_above: float) -> pd.DataFrame:
    groups = attacks.assign(found=attacks["p"] > found_above).groupby([*keys, "attack"])
    steps = attacks.groupby([*keys, "attack", "label"])["steps"].max().groupby([*keys, "attack"]).median()
    return groups.agg(found=("found", "sum"), images=("p", "size")).assign(steps=steps).reset_index()


def _accuracies(predictions: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    require(predictions, [*keys, "label", "predicted"], "predictions")
    correct = predictions["predicted"] == predictions["label"]
    counts = predictions[keys].assign(correct=correct).groupby(keys)["correct"].agg(["sum", "size", "mean"])
    counts["accuracy_low"], counts["accuracy_high"] = interval(counts["sum"], counts["size"])
    return counts.rename(columns={"mean": "accuracy"}).drop(columns=["sum", "size"]).reset_index()
