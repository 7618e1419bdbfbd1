"""The table of what the old attacks and the one that does not give up find, over the seeds."""

import pandas as pd

from spurious.attacks.settings import FROM_NOISE
from spurious.experiments.retraining.rounds import ARM
from spurious.experiments.retraining.settings import Matters
from spurious.experiments.retraining.verdicts import differences, found_decided, rates
from spurious.frames import require

NET = [*ARM, "round"]
KEYS = [*NET, "attack"]
STRONG, STRONG_FROM_NOISE = "strong", "strong, from noise"


def retraining_strong(
    strong: pd.DataFrame,
    attacks: pd.DataFrame,
    *,
    found_above: float = 0.999,
    matters: Matters = Matters(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """What every attack finds: a row per (classifier, negatives, target, round, attack).

    `strong`: `classifier, negatives, target, round, seed, label, image, start, objective, tried, flat, p, control_p,
    distance, test_distance, passes` per image of the attack that does not give up; `attacks`: the rows of the old ones,
    as in `retraining`. "strong" counts what any start led to, "strong, from noise" what noise or an evolution did,
    which come before real images are tried.

    Returns `seeds, found_n, found_share, found_low, found_high` with intervals as in `retraining-summary`, and the
    paired difference to the arm without negatives of that round, `found_difference, found_difference_low,
    found_difference_high`, with `found_visible, primary, found_p, found_p_holm, found_verdict` as in
    `verdicts.found_decided`, all attacks being tested. `effect` is what an arm does, in the row of its last round under
    "strong, from noise": "helps" where that attack finds less and the drop is at least what `matters`; "too little"
    where it is smaller. Else "hides" where an old attack finds less, by what matters, and this one does not: either a
    drop that matters is excluded, or every drop within its interval is smaller than those within the old one's. Else
    "no effect" where a drop that matters is excluded, or "cannot tell".
    Of the strong attack's found images `control_p` is the mean p of an unretrained net of another seed;
    `distance_ratio` the mean L2 distance to the nearest training image, the median of test images being 1. `flat_share`
    of the starts had no gradient. `training_cost`: images that training passed forward and backward, those of the arm
    without negatives being 1.
    """
    require(strong, [*NET, "seed", "label", "image", "start", "p"], "rows of the strong attack")
    require(attacks, [*KEYS, "seed", "label", "image", "p"], "attacks")
    strong = strong.drop_duplicates()
    outcomes = _outcomes(strong, attacks.drop_duplicates(), found_above)
    cluster = ["seed", "label"]  # one search, or one net and label
    table = rates(outcomes, KEYS, "found", cluster)
    table = table.merge(outcomes.groupby(KEYS)["seed"].nunique().rename("seeds").reset_index(), on=KEYS)
    pairing = ["classifier", "round", "attack", "seed", "label", "image"]
    reference = outcomes.loc[outcomes["negatives"] == "none", [*pairing, "outcome"]]
    pairs = outcomes[outcomes["negatives"] != "none"].merge(reference, on=pairing, suffixes=("", "_none"))
    table = table.merge(differences(pairs, KEYS, "found", cluster), on=KEYS, how="left")
    table = found_decided(table, matters.found, table["attack"].unique())
    table["effect"] = _effects(table, matters.found)
    found = strong[strong["p"] > found_above]
    kinds = {STRONG: found, STRONG_FROM_NOISE: found[found["start"].isin(FROM_NOISE)]}
    looks = pd.concat([_looks(own).assign(attack=name) for name, own in kinds.items()])
    table = table.merge(looks, on=KEYS, how="left").merge(_starts_and_cost(strong), on=NET, how="left")
    first = [*KEYS, "seeds", "found_n", "found_share"]
    return table[[*first, *table.columns.difference(first, sort=False)]]


def _outcomes(strong: pd.DataFrame, attacks: pd.DataFrame, found_above: float) -> pd.DataFrame:
    """`outcome` per net, attack, label and image: whether it was found."""
    old = attacks.assign(outcome=attacks["p"] > found_above)
    any_start = strong.assign(attack=STRONG, outcome=strong["p"] > found_above)
    noise = any_start.assign(
        attack=STRONG_FROM_NOISE, outcome=any_start["outcome"] & any_start["start"].isin(FROM_NOISE)
    )
    columns = [*KEYS, "seed", "label", "image", "outcome"]
    every = pd.concat([each[columns] for each in (old, any_start, noise)], ignore_index=True)
    return every.astype({"label": int, "image": int})


def _effects(table: pd.DataFrame, limit: float) -> pd.Series:
    """What each arm does, (N,): see `retraining_strong`; "" in the rows that are not of its last round from noise."""
    nets = [table[name] for name in NET]
    less = (table["found_verdict"] == "lower") & (table["primary"] == "yes")
    matters = less & (table["found_difference"] <= -limit)
    hidden = matters & ~table["attack"].isin([STRONG, STRONG_FROM_NOISE])
    lowest = table["found_difference_low"].where(table["attack"] == STRONG_FROM_NOISE).groupby(nets).transform("max")
    by_more = (hidden & (table["found_difference_high"] < lowest)).groupby(nets).transform("any")
    sure = table["found_verdict"].isin(["no change that matters", "higher"])
    effect = pd.Series("cannot tell", index=table.index).mask(sure, "no effect")
    effect = effect.mask(by_more | (sure & hidden.groupby(nets).transform("any")), "hides")
    effect = effect.mask(less, "too little").mask(matters, "helps")
    return effect.where((table["primary"] == "yes") & (table["attack"] == STRONG_FROM_NOISE), "")


def _looks(found: pd.DataFrame) -> pd.DataFrame:
    """What the found images are like, by net."""
    found = found.assign(distance_ratio=found["distance"] / found["test_distance"])
    return found.groupby(NET)[["control_p", "distance_ratio"]].mean().reset_index()


def _starts_and_cost(strong: pd.DataFrame) -> pd.DataFrame:
    """`flat_share, training_cost` by net; the cost of a net that was not retrained is left out."""
    sums = strong.groupby(NET).agg(flat=("flat", "sum"), tried=("tried", "sum"), passes=("passes", "mean"))
    sums = sums.reset_index()
    plain = sums.loc[sums["negatives"] == "none", ["classifier", "round", "passes"]]
    sums = sums.merge(plain, on=["classifier", "round"], how="left", suffixes=("", "_none"))
    sums["flat_share"] = sums["flat"] / sums["tried"]
    sums["training_cost"] = (sums["passes"] / sums["passes_none"]).where(sums["round"] > 0)
    return sums[[*NET, "flat_share", "training_cost"]]
