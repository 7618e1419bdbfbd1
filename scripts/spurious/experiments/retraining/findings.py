"""What the table of retraining says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.frames import published_first
from spurious.perturbations.negatives import is_searched
from spurious.wording import percent


def retraining(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier and arm after its last round, from the table `retraining-summary`."""
    for classifier, rows in table.groupby("classifier", sort=False):
        yield from _of_classifier(classifier, rows)


def _of_classifier(classifier: str, table: pd.DataFrame) -> Iterator[str]:
    last = table[table["round"] == table["round"].max()]
    before = table[table["round"] == 0]
    yield f"**{classifier}, before retraining**: {_attacks(before)}; accuracy {percent(before['accuracy'].iloc[0])}."
    for (negatives, target), rows in last.groupby(["negatives", "target"], sort=False):
        name = "no negatives" if negatives == "none" else f"{negatives} negatives, target {target}"
        first = rows.iloc[0]
        yield (
            f"**{classifier}, {name}**: {_attacks(rows)}; accuracy {percent(first['accuracy'])}{_against(first)}."
            f"{_negatives(first)} To images of a second run of the search in the net of the round before, from other"
            f" starts, the retrained net gives a mean p of {first['held_out_p_mean']:.2f}{_seen(first)}; an unretrained"
            f" net of another seed gives the old images {first['control_p_mean']:.2f}."
        )


def _attacks(rows: pd.DataFrame) -> str:
    """What every attack finds, and how that compares to retraining without negatives."""
    parts = []
    for row in published_first(rows, "attack").itertuples():
        verdict = f" ({row.found_verdict})" if isinstance(row.found_verdict, str) and row.found_verdict else ""
        parts.append(f"the attack *{row.attack}* finds {row.found:.1f}{verdict}")
    return ", ".join(parts)


def _negatives(row: pd.Series) -> str:
    if row["negatives"] == "none":
        return ""
    return f" Of its negatives {percent(row['negatives_found_share'])} fooled the net that they were made against."


def _seen(row: pd.Series) -> str:
    """The mean p of the images in the training set; those of the other arms are none of theirs."""
    return f" ({row['old_p_mean']:.2f} to those that it was trained on)" if is_searched(row["negatives"]) else ""


def _against(row: pd.Series) -> str:
    if row["negatives"] == "none":
        return ""
    points = f"{100 * row['accuracy_difference']:+.2f} points"
    return f" ({points} against no negatives: {row['accuracy_verdict']})"
