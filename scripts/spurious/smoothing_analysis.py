"""What the agreement of an image's views tells, and what rejecting by it is worth.

For `votes` and the main rows see `spurious.votes`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.smoothing_table import REJECTED
from spurious.statistics import risk_curve, wilson
from spurious.votes import PROBABILITIES, SETTING, VIEWS, per_classifier, per_setting

AGREEMENTS = {3: "three", 2: "two", 1: "none"}  # how many views name the decision's class (rejected: ss's class)
SCORES = (*VIEWS, "vote", "combined")
POINTS = 200  # of a curve: more than a figure can show


def agreement(votes: pd.DataFrame) -> pd.DataFrame:
    """What the views' agreement tells: a row per setting and agreement (three, two, none), main rows.

    Returns `classifier, kernel, sigma, agreement, n, share, accuracy, acc_ns`, the last three with `_low` and
    `_high`: share is of all images, accuracy that of the decision (empty for none: rejected), acc_ns that of the
    unblurred view among the same images. Bounds are Wilson's at 95 %.
    """
    return per_classifier(votes, _agreement)


def _agreement(rows: pd.DataFrame) -> pd.DataFrame:
    kind = pd.Categorical(decided(rows)["agreeing"].map(AGREEMENTS), categories=AGREEMENTS.values())
    outcomes = rows[SETTING].assign(
        agreement=kind, right=rows["decision"] == rows["label"], ns=rows["ns"] == rows["label"]
    )
    groups = outcomes.groupby([*SETTING, "agreement"], observed=False)
    counts = groups.agg(n=("right", "size"), right=("right", "sum"), ns=("ns", "sum")).reset_index()
    counts["agreement"] = counts["agreement"].astype(str)
    total = counts.groupby(SETTING)["n"].transform("sum")
    answered = counts["n"].where(counts["agreement"] != AGREEMENTS[1], 0)
    table = counts[[*SETTING, "agreement", "n"]]
    for name, successes, n in (
        ("share", counts["n"], total),
        ("accuracy", counts["right"], answered),
        ("acc_ns", counts["ns"], counts["n"]),
    ):
        low, high = wilson(successes, n)
        table = table.assign(**{name: successes / n.where(n > 0), f"{name}_low": low, f"{name}_high": high})
    return table


def decided(rows: pd.DataFrame) -> pd.DataFrame:
    """What an image is called when none may be rejected: `right, agreeing, p`, a row per row.

    The class is the majority's, and that of ss where it rejects; `agreeing` counts the views that name it (1 where
    it rejects), `p` is the largest probability that one of those gives to it.
    """
    answer = rows["decision"].where(rows["decision"] != REJECTED, rows["ss"])
    names = rows[VIEWS].eq(answer, axis=0).to_numpy()
    p = np.where(names, rows[PROBABILITIES].to_numpy(), -np.inf).max(axis=1)
    return pd.DataFrame({"right": answer == rows["label"], "agreeing": names.sum(axis=1), "p": p})


def risk(votes: pd.DataFrame) -> pd.DataFrame:
    """The reject option against a plain threshold on one view's softmax probability: a row per setting, main rows.

    Returns `classifier, kernel, sigma, n, accepted, coverage`, then with `_low` and `_high` (Wilson, 95 %, over the
    accepted images) `acc_vote`; `ns_threshold`, `ss_threshold`, `ds_threshold`: the accuracy of a view on as many
    images, those to whose class it gives the largest p (where p ties at the threshold, the expectation over which of
    them are taken, so that the number right need not be whole); and `best_view`, the view that is most often right
    on the images the vote accepts, with `acc_best_view`. Where nothing is accepted, accuracies are empty.

    Then the areas under the risk-coverage curves, the mean risk over the coverages 1/n, 2/n ... 1 (El-Yaniv and
    Wiener, JMLR 11 (2010); Geifman and El-Yaniv, NIPS 2017; smaller is better): `aurc_ns, aurc_ss, aurc_ds,
    aurc_vote, aurc_combined`, of the rankings that `risk_curves` describes.
    """
    return per_classifier(votes, lambda rows: per_setting(rows, lambda own: pd.DataFrame([_risk_row(own)])))


def _risk_row(rows: pd.DataFrame) -> dict[str, object]:
    risks = {name: risk_curve(*ranking)[1] for name, ranking in _rankings(rows).items()}
    accepted = rows[rows["decision"] != REJECTED]
    taken = len(accepted)
    best = max(VIEWS, key=lambda view: (accepted[view] == accepted["label"]).sum())
    row = {"n": len(rows), "accepted": taken, "coverage": taken / len(rows)}
    row |= _rate("acc_vote", (accepted["decision"] == accepted["label"]).sum(), taken)
    for view in VIEWS:
        row |= _rate(f"{view}_threshold", taken * (1 - risks[view][taken - 1]), taken)
    row |= {"best_view": best if taken else ""}
    row |= _rate("acc_best_view", (accepted[best] == accepted["label"]).sum(), taken)
    return row | {f"aurc_{name}": values.mean() for name, values in risks.items()}


def risk_curves(votes: pd.DataFrame) -> pd.DataFrame:
    """The error among the images a score ranks highest: `classifier, kernel, sigma, score, coverage, risk`, main rows.

    Scores: "ns", "ss", "ds" rank the images by the p of that view's class; "vote" by how many views agree (three,
    two, none), "combined" by that and then by the p of the class decided on, the largest of the agreeing views. Beyond
    the vote's acceptance, "vote" and "combined" name the class of ss. Equally ranked images come in random order,
    and the risk is the expectation over it. A curve has at most POINTS points, evenly spaced, and ends at coverage 1.
    """
    return per_classifier(votes, lambda rows: per_setting(rows, _curves))


def _curves(rows: pd.DataFrame) -> pd.DataFrame:
    shown = np.unique(np.linspace(0, len(rows) - 1, POINTS).round().astype(int))
    curves = {name: risk_curve(*ranking) for name, ranking in _rankings(rows).items()}
    parts = [
        pd.DataFrame({"score": name, "coverage": coverage[shown], "risk": values[shown]})
        for name, (coverage, values) in curves.items()
    ]
    return pd.concat(parts)


def _rankings(rows: pd.DataFrame) -> dict[str, tuple[NDArray, NDArray]]:
    """For each of SCORES, which images are right and how high they rank, (N,) each."""
    answers = decided(rows)
    # p is at most 1: it decides among images on which equally many views agree
    scores = {"vote": answers["agreeing"], "combined": 2 * answers["agreeing"] + answers["p"]}
    rankings = {view: (rows[view] == rows["label"], rows[f"p_{view}"]) for view in VIEWS}
    rankings |= {name: (answers["right"], score) for name, score in scores.items()}
    return {name: (right.to_numpy(), score.to_numpy()) for name, (right, score) in rankings.items()}


def _rate(name: str, successes: float, n: int) -> dict[str, float]:
    low, high = wilson(successes, n)
    return {name: successes / n if n else np.nan, f"{name}_low": float(low), f"{name}_high": float(high)}
