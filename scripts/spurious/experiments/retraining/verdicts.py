"""What an arm of retraining changed against the arm without negatives: intervals, and the verdict they allow."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from spurious.experiments.retraining.settings import Matters
from spurious.frames import SIGNIFICANCE
from spurious.rates import difference_over_seeds, over_seeds
from spurious.statistics.comparisons import holm

ATTACK = "log-p"  # of the primary tests: ascent on log p has no flat start, so what it misses is hard to find


def rates(outcomes: pd.DataFrame, keys: list[str], name: str, cluster: list[str]) -> pd.DataFrame:
    """The mean of the column `outcome` over the seeds: `keys`, `<name>_share, _low, _high, _n`.

    A `cluster` are the columns that outcomes share which may depend on each other.
    """
    clusters = outcomes.groupby(cluster).ngroup()
    rows = []
    for key, own in outcomes.groupby(keys):
        share = over_seeds(own["outcome"], own["seed"], clusters[own.index])
        identification = dict(zip(keys, key, strict=True)) | {f"{name}_n": share.n}
        rows.append(identification | share.columns(f"{name}_share", f"{name}_"))
    return pd.DataFrame(rows)


def differences(pairs: pd.DataFrame, keys: list[str], name: str, cluster: list[str]) -> pd.DataFrame:
    """`outcome` - `outcome_none` over the seeds: `keys`, `<name>_difference` with `_low` and `_high`."""
    clusters = pairs.groupby(cluster).ngroup()
    change = pairs["outcome"].astype(int) - pairs["outcome_none"].astype(int)
    rows = []
    for key, own in pairs.groupby(keys):
        found = difference_over_seeds(change[own.index], own["seed"], clusters[own.index])
        columns = {f"{name}_difference{end}": value for end, value in zip(("", "_low", "_high"), found, strict=True)}
        rows.append(dict(zip(keys, key, strict=True)) | columns)
    return pd.DataFrame(rows, columns=[*keys, *(f"{name}_difference{end}" for end in ("", "_low", "_high"))])


def decided(summary: pd.DataFrame, matters: Matters) -> pd.DataFrame:
    """The summary with `accuracy_visible, accuracy_verdict`, and those of the found images under the attack ATTACK.

    `matters` says which difference of the `accuracy`, and of the share `found` of the images, matters.
    `accuracy_visible` and both verdicts are as in `found_decided`; all of the accuracy are descriptive.
    """
    per_net = summary["found_n"] / summary["seeds"]
    summary = found_decided(summary, matters.found * per_net, [ATTACK])
    summary["accuracy_visible"] = _visible(summary, "accuracy")
    summary["accuracy_verdict"] = _verdicts(summary, "accuracy", matters.accuracy)
    return summary


def found_decided(table: pd.DataFrame, limit: "float | pd.Series", attacks: Collection[str]) -> pd.DataFrame:
    """The table with `found_visible, primary, found_p, found_p_holm, found_verdict` of its `found_difference`.

    Verdicts: "higher" or "lower" where the interval of the difference excludes 0; "no change that matters" where it
    excludes what matters, `limit`, in both directions; else "cannot tell (n = 3)", n being the seeds; "" for the arm
    without negatives. `found_visible` is the smallest difference that one test by itself would show: the longer half of
    the interval. The `primary` tests are those of each arm's last round under these `attacks`: they are higher or lower
    where `found_p_holm`, Holm's correction over the arms of a classifier under one attack, is below .05. `found_p` is
    the level at which the interval would end at 0, by t. All other verdicts are descriptive.
    """
    last = (table["negatives"] != "none") & last_round(table)
    table = table.assign(primary=np.where(last & table["attack"].isin(attacks), "yes", ""))
    table["found_visible"] = _visible(table, "found")
    table["found_p"] = _p(table)
    tested = (table["primary"] == "yes") & table["found_p"].notna()
    table["found_p_holm"] = table.loc[tested].groupby(["classifier", "attack"])["found_p"].transform(holm)
    verdict = _verdicts(table, "found", limit)
    unsure = tested & (table["found_p_holm"] >= SIGNIFICANCE) & verdict.isin(["higher", "lower"])
    table["found_verdict"] = verdict.mask(unsure, _cannot_tell(table))
    return table


def last_round(table: pd.DataFrame) -> pd.Series:
    """(N,) bool: the rows of each arm's last round."""
    arm = [name for name in ("classifier", "negatives", "target") if name in table]
    return table["round"] == table.groupby(arm)["round"].transform("max")


def _cannot_tell(summary: pd.DataFrame) -> pd.Series:
    return "cannot tell (n = " + summary["seeds"].astype(str) + ")"


def _visible(table: pd.DataFrame, name: str) -> pd.Series:
    ends = table[[f"{name}_difference_low", f"{name}_difference_high"]]
    return ends.sub(table[f"{name}_difference"], axis=0).abs().max(axis=1)


def _verdicts(summary: pd.DataFrame, name: str, limit: "float | pd.Series") -> pd.Series:
    low, high = (summary[f"{name}_difference_{end}"] for end in ("low", "high"))
    verdict = _cannot_tell(summary)
    verdict = verdict.mask((low > -limit) & (high < limit), "no change that matters")
    verdict = verdict.mask(low > 0, "higher").mask(high < 0, "lower")
    return verdict.where(summary["negatives"] != "none", "")


def _p(summary: pd.DataFrame) -> pd.Series:
    """Two-sided p of a found difference: .05 where its interval ends at 0."""
    difference, freedom = summary["found_difference"], summary["seeds"] - 1
    end = summary["found_difference_low"].where(difference > 0, summary["found_difference_high"])
    half = (difference - end).abs() / stdtrit(freedom.clip(lower=1), (1 + 0.95) / 2)
    p = 2 * stdtr(freedom.clip(lower=1), -(difference.abs() / half))
    return pd.Series(p, index=summary.index).where(freedom > 0)
