"""The table of what the agreement of an image's views tells; for `votes` see `votes.py`."""

import pandas as pd

from spurious.defences.rejection import REJECTED
from spurious.experiments.smoothing.decisions import decided
from spurious.experiments.smoothing.rows import SETTING, reference_of, views_of
from spurious.experiments.smoothing.votes import per_classifier
from spurious.rates import with_rate

NONE = "none"  # no class has more than half of the views: the image is rejected


def agreement(votes: pd.DataFrame) -> pd.DataFrame:
    """What the views' agreement tells: a row per setting and agreement, main rows.

    Returns `classifier, kernel, sigma, agreement, n, share, accuracy, acc_ns`, the last three with `_low` and
    `_high`: agreement is three, two or none of three views, of another number V "k of V" or none. share is of all
    images, accuracy that of the decision (empty for none: rejected), acc_ns that of the unblurred view among the same
    images (of the first view where ns is none of them). Bounds are Wilson's at 95 %.
    """
    return per_classifier(votes, _agreement)


def _agreement(rows: pd.DataFrame) -> pd.DataFrame:
    views = views_of(rows)
    words, reference = _words(len(views)), reference_of(views)
    agreeing = decided(rows)["agreeing"].where(rows["decision"] != REJECTED, 0)
    outcomes = rows[SETTING].assign(
        agreement=pd.Categorical(agreeing.map(words), categories=words.values()),
        right=rows["decision"] == rows["label"],
        reference=rows[reference] == rows["label"],
    )
    groups = outcomes.groupby([*SETTING, "agreement"], observed=False)
    counts = groups.agg(n=("right", "size"), right=("right", "sum"), reference=("reference", "sum")).reset_index()
    counts["agreement"] = counts["agreement"].astype(str)
    total = counts.groupby(SETTING)["n"].transform("sum")
    answered = counts["n"].where(counts["agreement"] != NONE, 0)
    table = counts[[*SETTING, "agreement", "n"]]
    for name, successes, n in (
        ("share", counts["n"], total),
        ("accuracy", counts["right"], answered),
        (f"acc_{reference}", counts["reference"], counts["n"]),
    ):
        table = with_rate(table, name, successes, n)
    return table


def _words(views: int) -> dict[int, str]:
    """For how many of the views name the decision's class, 0 where it is rejected, the most agreement first."""
    if views == 3:
        return {3: "three", 2: "two", 0: NONE}
    return {count: f"{count} of {views}" for count in range(views, views // 2, -1)} | {0: NONE}
