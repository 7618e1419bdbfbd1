"""The table of what retraining changed, over the seeds."""

import pandas as pd

from spurious.experiments.retraining.rounds import ARM, retraining
from spurious.experiments.retraining.settings import Matters
from spurious.experiments.retraining.verdicts import decided, differences, rates
from spurious.statistics.comparisons import mcnemar_exact

MEASURED = ["", "_sd", "_difference", "_difference_low", "_difference_high", "_verdict"]
COLUMNS = [
    *(*ARM, "round", "attack", "seeds"),
    *(f"accuracy{end}" for end in MEASURED),
    *(f"found{end}" for end in MEASURED),
    *("old_p_mean", "control_p_mean", "negatives_found_share", "held_out_p_mean"),
    *("accuracy_mcnemar_p", "found_mcnemar_p"),
    *("accuracy_n", "accuracy_low", "accuracy_high", "accuracy_visible"),
    *("found_n", "found_share", "found_low", "found_high", "found_visible"),
    *("primary", "found_p", "found_p_holm"),
]

MEANS = ["old_p_mean", "control_p_mean", "negatives_found_share", "held_out_p_mean"]


def retraining_summary(
    attacks: pd.DataFrame,
    old: pd.DataFrame,
    predictions: pd.DataFrame,
    negatives_rows: pd.DataFrame,
    *,
    found_above: float = 0.999,
    matters: Matters = Matters(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Each arm over the seeds: a row per (classifier, negatives, target, round, attack); takes what `retraining` takes.

    Returns `classifier, negatives, target, round, attack, seeds, accuracy, accuracy_sd, accuracy_difference,
    accuracy_difference_low, accuracy_difference_high, accuracy_verdict`, the same for `found`, then
    `old_p_mean, control_p_mean, negatives_found_share, held_out_p_mean, accuracy_mcnemar_p, found_mcnemar_p`, and of
    accuracy and found: `_n` (images of all seeds), `_low, _high` (of the rate; for found beside `found_share`),
    `_visible`; at last `primary, found_p, found_p_holm`. A difference is against the arm "none" of the same classifier,
    round and attack, paired by seed and image; it is empty for that arm itself. Its interval, as that of a rate, is of
    both, seeds and images: test images are shared by the seeds, the found images of one seed and label by one search
    (`spurious.rates`). Verdicts, and what `matters`, as in `verdicts.decided`. The exact McNemar p, over the images of
    all seeds as if all were independent, decide nothing. Found images are paired by their start.
    """
    table = retraining(attacks, old, predictions, negatives_rows, found_above=found_above)
    keys = [*ARM, "round", "attack"]
    rows = []
    for key, group in table.groupby(keys):
        row = dict(zip(keys, key, strict=True), seeds=len(group))
        for name in ("accuracy", "found"):
            row |= {name: group[name].mean(), f"{name}_sd": group[name].std()}
        rows.append(row | group[MEANS].mean().to_dict())
    correct = predictions.assign(outcome=predictions["predicted"] == predictions["label"])
    hits = attacks.assign(outcome=attacks["p"] > found_above)
    summary = _against_none(pd.DataFrame(rows), correct, "accuracy", [*ARM, "round"], ["id"], ["id"])
    summary = _against_none(summary, hits, "found", keys, ["label", "image"], ["seed", "label"])
    per_net = summary["found_n"] / summary["seeds"]
    ends = [f"found_difference{end}" for end in ("", "_low", "_high")]
    summary[ends] = summary[ends].mul(per_net, axis=0)
    return decided(summary, matters)[COLUMNS]


def _against_none(
    summary: pd.DataFrame, outcomes: pd.DataFrame, name: str, keys: list[str], image: list[str], cluster: list[str]
) -> pd.DataFrame:
    """The summary with the rates, the differences to the arm "none" and McNemar's p, over the images of all seeds."""
    outcomes = outcomes[[*keys, "seed", *image, "outcome"]].drop_duplicates().reset_index(drop=True)
    summary = summary.merge(rates(outcomes, keys, name, cluster), on=keys, how="left", validate="many_to_one")
    pairing = [*(key for key in keys if key not in ("negatives", "target")), "seed", *image]
    reference = outcomes.loc[outcomes["negatives"] == "none", [*pairing, "outcome"]]
    others = outcomes[outcomes["negatives"] != "none"]
    pairs = others.merge(reference, on=pairing, suffixes=("", "_none"), validate="many_to_one")
    pairs["gained"] = pairs["outcome"] & ~pairs["outcome_none"]
    pairs["lost"] = ~pairs["outcome"] & pairs["outcome_none"]
    counts = pairs.groupby(keys)[["gained", "lost"]].sum().reset_index()
    counts[f"{name}_mcnemar_p"] = [mcnemar_exact(*row) for row in counts[["gained", "lost"]].itertuples(index=False)]
    summary = summary.merge(counts.drop(columns=["gained", "lost"]), on=keys, how="left")
    return summary.merge(differences(pairs, keys, name, cluster), on=keys, how="left")
