"""The table of what retraining changed, over the seeds."""

import pandas as pd

from spurious.experiments.retraining.rounds import ARM, retraining
from spurious.frames import SIGNIFICANCE
from spurious.statistics.comparisons import mcnemar_exact, paired_difference

PAIRED = ["classifier", "round", "attack"]  # what an arm has in common with the arm that it is compared with
MEANS = ["old_p_mean", "control_p_mean", "negatives_found_share", "held_out_p_mean"]


def retraining_summary(
    attacks: pd.DataFrame,
    old: pd.DataFrame,
    predictions: pd.DataFrame,
    negatives_rows: pd.DataFrame,
    *,
    found_above: float = 0.999,
) -> pd.DataFrame:
    """Each arm over the seeds: a row per (classifier, negatives, target, round, attack); takes what `retraining` takes.

    Returns `classifier, negatives, target, round, attack, seeds, accuracy, accuracy_sd, accuracy_difference,
    accuracy_difference_low, accuracy_difference_high, accuracy_verdict`, the same for `found`, then
    `old_p_mean, control_p_mean, negatives_found_share, held_out_p_mean, accuracy_mcnemar_p, found_mcnemar_p`. A
    difference is against the arm "none" of the same classifier, round and attack, paired by seed, with its 95 %
    interval; it is empty for that arm itself. A few seeds can agree by chance, and they share one test set: accuracy
    (or found) counts as different only where the exact McNemar test over the images of all seeds says so as well
    (p < .05). Found images are paired by their start.
    """
    table = retraining(attacks, old, predictions, negatives_rows, found_above=found_above)
    keys = [*ARM, "round", "attack"]
    reference = table[table["negatives"] == "none"]
    rows = []
    for key, group in table.groupby(keys):
        row = dict(zip(keys, key, strict=True), seeds=len(group))
        same = reference[(reference[PAIRED] == [row[name] for name in PAIRED]).all(axis=1)]
        for name in ("accuracy", "found"):
            row |= {name: group[name].mean(), f"{name}_sd": group[name].std(), **_against(same, group, name)}
        rows.append(row | group[MEANS].mean().to_dict())
    correct = predictions.assign(outcome=predictions["predicted"] == predictions["label"])
    hits = attacks.assign(outcome=attacks["p"] > found_above)
    summary = _with_mcnemar(pd.DataFrame(rows), correct, "accuracy", PAIRED[:2], ["id"])
    return _with_mcnemar(summary, hits, "found", PAIRED, ["label", "image"])


def _with_mcnemar(
    summary: pd.DataFrame, outcomes: pd.DataFrame, name: str, groups: list[str], image: list[str]
) -> pd.DataFrame:
    """The summary with McNemar's p against the arm "none", over the images of all seeds, and the verdict it allows."""
    pairing = [*groups, "seed", *image]
    arm = ["negatives", "target"]
    outcomes = outcomes[[*arm, *pairing, "outcome"]].drop_duplicates()
    reference = outcomes[outcomes["negatives"] == "none"].drop(columns=arm)
    others = outcomes[outcomes["negatives"] != "none"]
    pairs = others.merge(reference, on=pairing, suffixes=("", "_none"), validate="many_to_one")
    pairs["gained"] = pairs["outcome"] & ~pairs["outcome_none"]
    pairs["lost"] = ~pairs["outcome"] & pairs["outcome_none"]
    counts = pairs.groupby([*arm, *groups])[["gained", "lost"]].sum().reset_index()
    counts[f"{name}_mcnemar_p"] = [mcnemar_exact(*row) for row in counts[["gained", "lost"]].itertuples(index=False)]
    summary = summary.merge(counts.drop(columns=["gained", "lost"]), on=[*arm, *groups], how="left")
    chance = summary[f"{name}_verdict"].isin(["higher", "lower"]) & (summary[f"{name}_mcnemar_p"] >= SIGNIFICANCE)
    summary[f"{name}_verdict"] = summary[f"{name}_verdict"].mask(chance, "within noise")
    return summary


def _against(reference: pd.DataFrame, group: pd.DataFrame, name: str) -> dict[str, object]:
    """The difference of a column between an arm and the arm "none", paired by seed."""
    empty = dict.fromkeys([f"{name}_difference", f"{name}_difference_low", f"{name}_difference_high"], float("nan"))
    if group["negatives"].iloc[0] == "none":
        return {**empty, f"{name}_verdict": ""}
    pairs = group.merge(reference, on="seed", suffixes=("", "_none"), validate="one_to_one")
    if pairs.empty:
        return {**empty, f"{name}_verdict": "too few seeds"}
    result = paired_difference(pairs[name], pairs[f"{name}_none"])
    bounds = dict(zip(empty, (result.difference, result.low, result.high), strict=True))
    return {**bounds, f"{name}_verdict": result.verdict}
