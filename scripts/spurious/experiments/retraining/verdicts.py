"""What an arm of retraining changed against the arm without negatives: intervals, and the verdict they allow."""

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
    """The summary with `accuracy_visible, found_visible, primary, found_p, found_p_holm` and both verdicts.

    `matters` says which difference of the `accuracy`, and of the share `found` of the images, matters. Verdicts:
    "higher" or "lower" where the interval of the difference excludes 0; "no change that matters" where it excludes
    what matters, in both directions; else "cannot tell (n = 3)", n being the seeds; "" for the arm without negatives.
    `<name>_visible` is the smallest difference that would have been seen: the longer half of the interval. The
    `primary` tests are those of the arms' found images in each arm's last round, under the attack ATTACK: they
    are higher or lower where `found_p_holm`, Holm's correction over those of one classifier, is below .05. `found_p` is
    the level at which the interval would end at 0, by t. All other verdicts are descriptive.
    """
    arms = summary["negatives"] != "none"
    summary = summary.assign(primary=np.where(arms & last_round(summary) & (summary["attack"] == ATTACK), "yes", ""))
    for name in ("accuracy", "found"):
        ends = summary[[f"{name}_difference_low", f"{name}_difference_high"]]
        summary[f"{name}_visible"] = ends.sub(summary[f"{name}_difference"], axis=0).abs().max(axis=1)
    summary["found_p"] = _p(summary)
    primary = summary["primary"] == "yes"
    tested = primary & summary["found_p"].notna()
    summary["found_p_holm"] = summary.loc[tested].groupby("classifier")["found_p"].transform(holm)
    per_net = summary["found_n"] / summary["seeds"]
    for name, limit in (("accuracy", matters.accuracy), ("found", matters.found * per_net)):
        summary[f"{name}_verdict"] = _verdicts(summary, name, limit).where(arms, "")
    unsure = tested & (summary["found_p_holm"] >= SIGNIFICANCE) & summary["found_verdict"].isin(["higher", "lower"])
    summary["found_verdict"] = summary["found_verdict"].mask(unsure, _cannot_tell(summary))
    return summary


def last_round(table: pd.DataFrame) -> pd.Series:
    """(N,) bool: the rows of each arm's last round."""
    arm = [name for name in ("classifier", "negatives", "target") if name in table]
    return table["round"] == table.groupby(arm)["round"].transform("max")


def _cannot_tell(summary: pd.DataFrame) -> pd.Series:
    return "cannot tell (n = " + summary["seeds"].astype(str) + ")"


def _verdicts(summary: pd.DataFrame, name: str, limit: "float | pd.Series") -> pd.Series:
    low, high = (summary[f"{name}_difference_{end}"] for end in ("low", "high"))
    verdict = _cannot_tell(summary)
    verdict = verdict.mask((low > -limit) & (high < limit), "no change that matters")
    return verdict.mask(low > 0, "higher").mask(high < 0, "lower")


def _p(summary: pd.DataFrame) -> pd.Series:
    """Two-sided p of a found difference: .05 where its interval ends at 0."""
    difference, freedom = summary["found_difference"], summary["seeds"] - 1
    end = summary["found_difference_low"].where(difference > 0, summary["found_difference_high"])
    half = (difference - end).abs() / stdtrit(freedom.clip(lower=1), (1 + 0.95) / 2)
    p = 2 * stdtr(freedom.clip(lower=1), -(difference.abs() / half))
    return pd.Series(p, index=summary.index).where(freedom > 0)
