"""Rules of the claims about small changes that fool, and why linear classifiers are fooled as well."""

import math

import numpy as np
import pandas as pd

from spurious.frames import SIGNIFICANCE
from spurious.rates import interval
from spurious.statistics.comparisons import holm
from spurious.statistics.intervals import mean_interval
from spurious.writeups.claims_backworking import still_found
from spurious.writeups.judging import (
    CONTRADICTED,
    INVISIBLE,
    SUPPORTED,
    UNDECIDED,
    Finding,
    NotRun,
    above,
    below,
    between,
    chosen,
    difference,
    first_classifier,
    halved,
    rate,
    rule,
    smallest,
)

ANY = 0.9  # of the images: what "any" image means
GOOD_PART = 0.1  # of the images: what "a reasonable fraction" means
SAFE = 0.1  # of the images: a classifier that is fooled on fewer is safe
SENSIBLE = 0.5  # nats from ln(classes)
ABOUT_80 = (70.0, 90.0)
EXPLODES = 10.0  # times ln(classes)


def _over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows over all seeds, where a table has them, else those of its one seed."""
    every = rows[rows["seed"].astype(str) == "all"]
    return every if len(every) else rows


def _targeted(table: pd.DataFrame, start: str, most: float, words: str) -> Finding:
    """The success of the strongest targeted L-infinity attack of at most `most` on the first classifier: the one that
    succeeds most often, of equal ones the largest.
    """
    own = first_classifier(table)
    rows = chosen(own, "a targeted attack", goal="targeted", norm="linf", start=start, clamp=True)
    rows = _over_seeds(rows[rows["epsilon"] <= most])
    if rows.empty:
        raise NotRun(f"no targeted attack of at most {most * 255:.0f} of 255")
    row = rows.sort_values(["success", "epsilon"], na_position="first").iloc[-1]
    measured = f"{words}, L-infinity {row['epsilon']:g} ({row['classifier']})"
    value, low, high = rate(row, "success", "")
    return Finding(verdict=above(low, high, ANY), measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("any-class")
def any_class(table: pd.DataFrame) -> Finding:
    """Images turned into a class drawn at random by a change of at most INVISIBLE: "any" is more than ANY."""
    return _targeted(table, "image", INVISIBLE, "images turned into a given class")


@rule("any-class-from-noise")
def any_class_from_noise(table: pd.DataFrame) -> Finding:
    """The same from noise, which is to look like nothing before and after: no limit on the size."""
    return _targeted(table, "noise", math.inf, "noise turned into a given class")


@rule("transfers")
def transfers(table: pd.DataFrame) -> Finding:
    """How many fooling images fool another classifier, all pairs together, less random signs of the same size.

    A good part is more than GOOD_PART. Pairs share images: the interval counts the images of one pair only.
    """
    others = table[(table["source"] != table["judge"]) & (table["n"] > 0)]
    if others.empty:
        raise NotRun("no classifier judges fooling images of another")
    n = others["n"].min()
    rates = [(mean, *interval(mean * n, n)) for mean in others[["fooled", "chance"]].mean()]
    value, low, high = difference(*rates)
    measured = f"images that fool another classifier, less random signs: mean of {len(others)} pairs"
    return Finding(verdict=above(low, high, GOOD_PART), measured=measured, value=value, low=low, high=high, n=n)


def _sweep(table: pd.DataFrame) -> pd.DataFrame:
    """The rows over the seeds, by weight decay, the weakest first."""
    rows = _over_seeds(table).sort_values("weight_decay")
    if len(rows) < 2:
        raise NotRun("the sweep has no two weight decays")
    return rows


@rule("linear-fooled")
def linear_fooled(table: pd.DataFrame, tests: pd.DataFrame) -> Finding:
    """Accuracy that one step along the signs of the weights costs, at the best weight decay: fooled is more than half.

    Of the images that are attacked, whose accuracy without the step has the interval of those of one seed. The fast
    gradient sign method reads the step off the weights, whatever the image.
    """
    best = tests["against"].iloc[0]
    row = chosen(_over_seeds(table), f"the weight decay {best:g}", weight_decay=best).iloc[0]
    share, images = row["right_n"] / row["steps_n"], row["steps_n"] / row["seeds"]
    before = (share, *interval(share * images, images))
    after = (1 - row["fgsm_error"], 1 - row["fgsm_high"], 1 - row["fgsm_low"])
    value, low, high = difference(before, after)
    measured = f"accuracy that one step along the weights' signs costs, of {share:.1%}"
    verdict = above(*difference(halved(before), after)[1:])
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=row["steps_n"])


@rule("smoother-templates")
def smoother_templates(table: pd.DataFrame) -> Finding:
    """Total variation of the templates at the strongest over that at the weakest decay, over the seeds: below 1."""
    seeds = table[table["seed"].astype(str) != "all"]
    ends = [seeds["weight_decay"].max(), seeds["weight_decay"].min()]
    strongest, weakest = (seeds[seeds["weight_decay"] == end].set_index("seed")["total_variation"] for end in ends)
    value, _, low, high = mean_interval(strongest / weakest)
    measured = f"total variation of templates at a weight decay of {ends[0]:g}, over that at {ends[1]:g}"
    return Finding(verdict=below(low, high, 1.0), measured=measured, value=value, low=low, high=high, n=len(strongest))


@rule("more-resistant")
def more_resistant(table: pd.DataFrame) -> Finding:
    """How much longer the median smallest step to another class is at the strongest than at the weakest decay."""
    rows = _sweep(table)
    weakest, strongest = rows.iloc[0], rows.iloc[-1]
    value, low, high = difference(*((row["l2_median"], row["l2_low"], row["l2_high"]) for row in (strongest, weakest)))
    measured = (
        f"median step (L2) at a weight decay of {strongest['weight_decay']:g}, less that at {weakest['weight_decay']:g}"
    )
    return Finding(verdict=above(low, high), measured=measured, value=value, low=low, high=high, n=strongest["steps_n"])


@rule("less-accurate")
def less_accurate(tests: pd.DataFrame) -> Finding:
    """The strongest weight decay against the best one, paired by image: exact McNemar test with Holm's correction.

    Where the strongest is the best one, the next is held against it: the claim is contradicted if that is worse.
    """
    row = tests.loc[tests["weight_decay"].idxmax()]
    stronger_is_worse = row["weight_decay"] > row["against"]
    value, low, high = (row[name] / 100 for name in ("accuracy_difference", "low", "high"))
    verdicts = {"lower": SUPPORTED, "higher": CONTRADICTED} if stronger_is_worse else {"lower": CONTRADICTED}
    verdict = verdicts.get(row["accuracy_verdict"], UNDECIDED)
    measured = f"accuracy at a weight decay of {row['weight_decay']:g}, less that at the best one, {row['against']:g}"
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("weak-invisible")
def weak_invisible(table: pd.DataFrame) -> Finding:
    """Median change (L-infinity) at which the weakest decay gives a wrong class p > .99: at most INVISIBLE."""
    row = _sweep(table).iloc[0]
    measured = "median change (L-infinity) along the template of a wrong class until its p > .99, at a weight decay of "
    measured += f"{row['weight_decay']:g}"
    value, low, high = rate(row, "linf_median", "")
    return Finding(verdict=below(low, high, INVISIBLE), measured=measured, value=value, low=low, high=high, n=row["n"])


def _by_scores(table: pd.DataFrame) -> pd.DataFrame:
    """The evolution of every classifier and start, with `gain` on random search and `p_holm` over all of them."""
    keys = ["classifier", "start"]
    evolution = chosen(table, "evolution", search="evolution")
    random = chosen(table, "random search", search="random")[[*keys, "success"]]
    rows = evolution.merge(random, on=keys, how="left", suffixes=("", "_random"))
    return rows.assign(gain=rows["success"] - rows["success_random"], p_holm=holm(rows["mcnemar_p"]))


def _fooled_by_scores(rows: pd.DataFrame, words: str) -> Finding:
    """Whether each classifier falls to evolution more than to random search, from its weaker start or the other."""
    lacking = rows[rows[["success", "success_random"]].isna().any(axis=1)]
    if len(lacking):
        raise NotRun("no result of both searches for {classifier} from {start}".format(**lacking.iloc[0]))
    won = (rows["p_holm"] < SIGNIFICANCE) & (rows["gain"] > 0)
    fooled = won.groupby(rows["classifier"]).any()
    safe = rows["high"].groupby(rows["classifier"]).max() < SAFE
    verdict = SUPPORTED if fooled.all() else CONTRADICTED if safe.any() else UNDECIDED
    best = rows.loc[rows.groupby("classifier")["success"].idxmax()]
    row = smallest(best, "success")
    measured = f"{words}, from {row['start']} ({row['classifier']}), by random search {row['success_random']:.0%}"
    value, low, high = rate(row, "success", "")
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("scores-suffice")
def scores_suffice(table: pd.DataFrame) -> Finding:
    """Evolution from scores alone against random search, each classifier from its better start, Holm's correction."""
    return _fooled_by_scores(_by_scores(table), "searches that reach their target, the classifier fooled least")


@rule("forests-not-safe")
def forests_not_safe(table: pd.DataFrame) -> Finding:
    """The same of random forests, whatever they are called, from images."""
    rows = _by_scores(table)
    own = rows[(rows["scikit_learn"] == "forest") & (rows["start"] == "image")]
    if own.empty:
        raise NotRun("no random forest is searched")
    return _fooled_by_scores(own, "searches that reach their target")


@rule("background-class")
def background_class(table: pd.DataFrame) -> Finding:
    """What is still found after rounds with a class of its own for found images: ineffective is above half."""
    return still_found(table, "extra", above)


def _start(table: pd.DataFrame, start: str) -> pd.Series:
    return chosen(table, f"the start {start!r}", start=start).iloc[0]


@rule("first-loss-sensible")
def first_loss_sensible(table: pd.DataFrame) -> Finding:
    """The first loss of sensible weights, less ln(classes): within SENSIBLE."""
    row = _start(table, "sensible")
    value, low, high = (row[name] - np.log(row["classes"]) for name in ("floored", "low", "high"))
    verdict = between(low, high, -SENSIBLE, SENSIBLE)
    measured = f"first loss of weights of std {row['initial_std']:g}, less ln {row['classes']}"
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("first-loss-usual")
def first_loss_usual(table: pd.DataFrame) -> Finding:
    """The first loss of the usual weights with Caffe's floor of the probability: about 80 is within ABOUT_80.

    The cross entropy itself, which no 80 can be, is said beside it.
    """
    row = _start(table, "usual")
    if row["classes"] != 1000:
        raise NotRun(f"the claim is about 1000 classes, the dataset has {row['classes']}")
    value, low, high = rate(row, "floored", "")
    verdict = between(low, high, *ABOUT_80)
    measured = f"first loss of weights of std {row['initial_std']:g} on pixels of 0 to 255, floored as in Caffe"
    measured += f" (the cross entropy itself is {row['cross_entropy']:.0f})"
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("usual-rate-explodes")
def usual_rate_explodes(table: pd.DataFrame) -> Finding:
    """The largest loss, without a floor, of a few steps with the usual rate from sensible weights, over ln(classes).

    It explodes where the interval of its mean over the draws lies above EXPLODES, and does not where it lies below.
    """
    row = _start(table, "usual rate")
    value, low, high = (row[name] / np.log(row["classes"]) for name in ("after", "after_low", "after_high"))
    measured = f"loss after {row['steps']:g} steps at a rate of {row['learning_rate']:g}, over ln {row['classes']}"
    return Finding(verdict=above(low, high, EXPLODES), measured=measured, value=value, low=low, high=high, n=row["n"])
