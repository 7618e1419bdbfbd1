"""The table of what the agreement of an image's views tells; for `votes` see `votes.py`."""

import pandas as pd

from spurious.experiments.smoothing.decisions import decided
from spurious.experiments.smoothing.votes import SETTING, per_classifier
from spurious.statistics.intervals import wilson

AGREEMENTS = {3: "three", 2: "two", 1: "none"}  # how many views name the decision's class (rejected: ss's class)


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
