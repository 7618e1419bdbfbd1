"""What the table of retraining says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.frames import published_first
from spurious.wording import NO_BREAK, interval


def retraining(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per arm after the last round, from the table `retraining-summary`."""
    last = table[table["round"] == table["round"].max()]
    before = table[table["round"] == 0]
    yield f"**before retraining**: {_attacks(before)}; accuracy {_accuracy(before.iloc[0])}."
    for (negatives, target), rows in last.groupby(["negatives", "target"], sort=False):
        name = "no negatives" if negatives == "none" else f"{negatives} negatives, target {target}"
        first = rows.iloc[0]
        yield (
            f"**{name}**: {_attacks(rows)}; accuracy {_accuracy(first)}. To the images of"
            f" the round before, the retrained net gives a mean p of {first['old_p_mean']:.2f}, an unretrained net of"
            f" another seed {first['control_p_mean']:.2f}."
        )


def _attacks(rows: pd.DataFrame) -> str:
    """What every attack finds, and how that compares to retraining without negatives."""
    parts = []
    for row in published_first(rows, "attack").itertuples():
        images = row.found_n / row.seeds
        bounds = f"95{NO_BREAK}% interval {row.found_low * images:.1f} to {row.found_high * images:.1f}"
        parts.append(f"the attack *{row.attack}* finds {row.found:.1f} of {images:g} ({bounds}{_change(row)})")
    return ", ".join(parts)


def _change(row: tuple) -> str:
    if row.negatives == "none":
        return ""
    bounds = "" if pd.isna(row.found_difference_low) else _ends(row.found_difference_low, row.found_difference_high, 1)
    primary = "" if row.primary == "yes" else ", descriptive"
    return f"; against no negatives {row.found_difference:+.1f}{bounds}: {row.found_verdict}{primary}"


def _ends(low: float, high: float, digits: int) -> str:
    return f" ({low:+.{digits}f} to {high:+.{digits}f})"


def _accuracy(row: pd.Series) -> str:
    """The accuracy with the interval over the seeds and images, and its difference to retraining without negatives."""
    text = interval(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
    if row["negatives"] == "none" or pd.isna(row["accuracy_difference_low"]):
        return text
    ends = _ends(100 * row["accuracy_difference_low"], 100 * row["accuracy_difference_high"], 2)
    points = f"{100 * row['accuracy_difference']:+.2f} points{ends}"
    return f"{text} ({points} against no negatives: {row['accuracy_verdict']})"
