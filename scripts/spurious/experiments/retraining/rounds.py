"""The table of what retraining changed, per seed."""

import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import interval

ARM = ["classifier", "negatives", "target"]

OLD = {  # (run, judge) of the images of the round before: the column of their mean p
    ("first", "retrained"): "old_p_mean",
    ("first", "control"): "control_p_mean",
    ("second", "retrained"): "held_out_p_mean",
}


def retraining(
    attacks: pd.DataFrame,
    old: pd.DataFrame,
    predictions: pd.DataFrame,
    negatives_rows: pd.DataFrame,
    *,
    found_above: float = 0.999,
) -> pd.DataFrame:
    """What retraining changed: a row per (classifier, negatives, target, round, seed, attack).

    `attacks`: `classifier, negatives, target, round, seed, attack, label, steps, p` per image of an attack on the net
    of that round; `old`: the same keys, `run, judge, p` per image of the round before, from the first run of the
    arm's search or from a second one with other starts, judged by the retrained net and by the control, an unretrained
    net of another seed; `predictions`: the keys, `label, predicted` per test image;
    `negatives_rows`: the keys, `p` per negative that the round added, judged by the net of the round before. Round 0
    are the nets before retraining.

    Returns `classifier, negatives, target, round, seed, accuracy, old_p_mean, attack, found, steps, accuracy_low,
    accuracy_high, control_p_mean, images, negatives_found_share, held_out_p_mean`: the bounds are Wilson 95 %
    intervals, `found` counts p above `found_above` among the attack's `images`, `steps` is the median over the labels,
    `negatives_found_share` is the share of all negatives in the round's training set whose p was above `found_above`.
    `old_p_mean` and `control_p_mean` are of the first run, whose images an arm of searched negatives is trained on;
    `held_out_p_mean` is the retrained net's of the second, which no training sees.
    """
    keys = [*ARM, "round", "seed"]
    require(attacks, [*keys, "attack", "label", "steps", "p"], "attacks")
    require(old, [*keys, "run", "judge", "p"], "old images")
    # The nets before retraining belong to all arms: when several bring their rows along, they count once.
    attacks, old, predictions = (frame.drop_duplicates() for frame in (attacks, old, predictions))
    table = _attack_counts(attacks, keys, found_above)
    table = table.merge(_accuracies(predictions, keys), on=keys, how="left", validate="many_to_one")
    for (run, judge), name in OLD.items():
        means = old[(old["run"] == run) & (old["judge"] == judge)].groupby(keys)["p"].mean().rename(name)
        table = table.merge(means, on=keys, how="left", validate="many_to_one")
    table = table.merge(_found_share(negatives_rows, keys, found_above), on=keys, how="left", validate="many_to_one")
    missing = table[table["accuracy"].isna()]
    if len(missing):
        raise SpuriousError(f"predictions: none for {missing[keys].iloc[0].to_dict()}; run that retraining again")
    last = ["accuracy_low", "accuracy_high", "control_p_mean", "images", "negatives_found_share", "held_out_p_mean"]
    return table[[*keys, "accuracy", "old_p_mean", "attack", "found", "steps", *last]]


def _found_share(negatives: pd.DataFrame, keys: list[str], found_above: float) -> pd.DataFrame:
    """The share of found ones among the negatives of a round and those before it, which stay in the training set."""
    require(negatives, [*keys, "p"], "negatives")
    negatives = negatives.astype({"round": int, "seed": int, "p": float})  # files of arms without negatives have no row
    counts = negatives.assign(found=negatives["p"] > found_above).groupby(keys)["found"].agg(["sum", "size"])
    total = counts.groupby(level=[*ARM, "seed"]).cumsum()
    return (total["sum"] / total["size"]).rename("negatives_found_share").reset_index()


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
