"""The table of what rejecting by the vote is worth, beside a threshold; for `votes` see `votes.py`."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.defences.rejection import REJECTED
from spurious.experiments.smoothing.decisions import decided
from spurious.experiments.smoothing.rows import views_of
from spurious.experiments.smoothing.votes import per_classifier, per_setting
from spurious.rates import interval
from spurious.statistics.intervals import paired_interval
from spurious.statistics.selection import risk_curve

POINTS = 200  # of a curve: more than a figure can show


def risk(votes: pd.DataFrame) -> pd.DataFrame:
    """The reject option against a plain threshold on one view's softmax probability: a row per setting, main rows.

    Returns `classifier, kernel, sigma, n, accepted, coverage`, then with `_low` and `_high` (Wilson, 95 %, over the
    accepted images) `acc_vote`; `<view>_threshold`: the accuracy of each view on as many images, those to whose class
    it gives the largest p (where p ties at the threshold, the expectation over which of them are taken, so that the
    number right need not be whole); `<view>_gain` with its bounds: by how much that accuracy is above the vote's,
    paired by image (Bonett and Price, from the images that only one of both accepts and gets right); and `best_view`,
    the view that is most often right on the images the vote accepts, with `acc_best_view`. Where nothing is accepted,
    accuracies are empty.

    Then the areas under the risk-coverage curves, the mean risk over the coverages 1/n, 2/n ... 1 (El-Yaniv and
    Wiener, JMLR 11 (2010); Geifman and El-Yaniv, NIPS 2017; smaller is better): `aurc_<view>` of each view,
    `aurc_vote`, `aurc_combined`, of the rankings that `risk_curves` describes.
    """
    return per_classifier(votes, lambda rows: per_setting(rows, lambda own: pd.DataFrame([_risk_row(own)])))


def _risk_row(rows: pd.DataFrame) -> dict[str, object]:
    risks = {name: risk_curve(*ranking)[1] for name, ranking in _rankings(rows).items()}
    accepted = rows[rows["decision"] != REJECTED]
    taken = len(accepted)
    views = views_of(rows)
    best = max(views, key=lambda view: (accepted[view] == accepted["label"]).sum())
    row = {"n": len(rows), "accepted": taken, "coverage": taken / len(rows)}
    row |= _rate("acc_vote", (accepted["decision"] == accepted["label"]).sum(), taken)
    for view in views:
        row |= _rate(f"{view}_threshold", taken * (1 - risks[view][taken - 1]), taken)
        row |= _gain(f"{view}_gain", rows, view, taken)
    row |= {"best_view": best if taken else ""}
    row |= _rate("acc_best_view", (accepted[best] == accepted["label"]).sum(), taken)
    return row | {f"aurc_{name}": values.mean() for name, values in risks.items()}


def _gain(name: str, rows: pd.DataFrame, view: str, taken: int) -> dict[str, float]:
    """By how much a threshold on the p of a view is more accurate than the vote, on as many accepted images."""
    by_vote = (rows["decision"] == rows["label"]).to_numpy()
    by_threshold = (rows[view] == rows["label"]).to_numpy() * _share_taken(rows[f"p_{view}"].to_numpy(), taken)
    only_threshold, only_vote = (by_threshold * ~by_vote).sum(), ((1 - by_threshold) * by_vote).sum()
    bounds = paired_interval(only_threshold, only_vote, len(rows))
    values = (only_threshold - only_vote, *(bound * len(rows) for bound in bounds))
    return {
        column: value / taken if taken else np.nan
        for column, value in zip((name, f"{name}_low", f"{name}_high"), values, strict=True)
    }


def _share_taken(score: NDArray, taken: int) -> NDArray:
    """How much of each image (N,) is among the `taken` of the largest score: 1 or 0, a share where scores tie."""
    if not taken:
        return np.zeros(len(score))
    last = np.sort(score)[-taken]
    tied = score == last
    return (score > last) + tied * (taken - (score > last).sum()) / tied.sum()


def risk_curves(votes: pd.DataFrame) -> pd.DataFrame:
    """The error among the images a score ranks highest: `classifier, kernel, sigma, score, coverage, risk,
    reached`, main rows.

    Scores: a view's name ranks the images by the p of its class; "vote" by how many views agree, "combined" by that and
    then by the p of the class decided on, the largest of the agreeing views. Beyond the vote's acceptance, "vote" and
    "combined" name the class of ss (of the first view where ss is none of them). Equally ranked images come in random
    order, and the risk is the expectation over it. `reached`: whether a threshold on the score accepts exactly so many.
    A curve has at most POINTS points, evenly spaced, and ends at coverage 1; that of "vote" has those it reaches, too.
    """
    return per_classifier(votes, lambda rows: per_setting(rows, _curves))


def _curves(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([_curve(name, *ranking) for name, ranking in _rankings(rows).items()])


def _curve(name: str, right: NDArray, score: NDArray) -> pd.DataFrame:
    coverage, values = risk_curve(right, score)
    reached = np.append(np.diff(np.sort(score)[::-1]) != 0, True)
    shown = np.unique(np.linspace(0, len(score) - 1, POINTS).round().astype(int))
    if name == "vote":
        shown = np.union1d(shown, np.flatnonzero(reached))
    return pd.DataFrame({"score": name, "coverage": coverage, "risk": values, "reached": reached}).iloc[shown]


def _rankings(rows: pd.DataFrame) -> dict[str, tuple[NDArray, NDArray]]:
    """For each score, which images are right and how high they rank, (N,) each."""
    answers = decided(rows)
    # p is at most 1: it decides among images on which equally many views agree
    scores = {"vote": answers["agreeing"], "combined": 2 * answers["agreeing"] + answers["p"]}
    rankings = {view: (rows[view] == rows["label"], rows[f"p_{view}"]) for view in views_of(rows)}
    rankings |= {name: (answers["right"], score) for name, score in scores.items()}
    return {name: (right.to_numpy(), score.to_numpy()) for name, (right, score) in rankings.items()}


def _rate(name: str, successes: float, n: int) -> dict[str, float]:
    low, high = interval(successes, n)
    return {name: successes / n if n else np.nan, f"{name}_low": float(low), f"{name}_high": float(high)}
