"""What the table of retraining says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.retraining.persistence import NET, STRONG, STRONG_FROM_NOISE
from spurious.experiments.retraining.verdicts import last_round
from spurious.frames import published_first
from spurious.perturbations.negatives import is_backworked
from spurious.wording import NO_BREAK, interval, percent, plural, points


def retraining(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier and arm after its last round, from the table `retraining-summary`."""
    for classifier, rows in table.groupby("classifier", sort=False):
        yield from _of_classifier(classifier, rows)


def _of_classifier(classifier: str, table: pd.DataFrame) -> Iterator[str]:
    last = table[last_round(table)]
    before = table[table["round"] == 0]
    first = before.iloc[0]
    seeds = "one seed" if first["seeds"] == 1 else f"means over {first['seeds']} seeds"
    tested = plural(round(first["accuracy_n"] / first["seeds"]), "test image")
    yield (
        f"**{classifier}, before retraining** ({seeds}): {_attacks(before)}; accuracy {_accuracy(first)}, of {tested}."
    )
    for (negatives, target), rows in last.groupby(["negatives", "target"], sort=False):
        name = "no negatives" if negatives == "none" else f"{negatives} negatives, target {target}"
        first = rows.iloc[0]
        yield (
            f"**{classifier}, {name}**: {_attacks(rows)}; accuracy {_accuracy(first)}."
            f"{_negatives(first)} To images of a second run of the search in the net of the round before, from other"
            f" starts, the retrained net gives a mean p of {first['held_out_p_mean']:.2f}{_seen(first)}; an unretrained"
            f" net of another seed gives the old images {first['control_p_mean']:.2f}."
        )


def _attacks(rows: pd.DataFrame) -> str:
    """What every attack finds, and how that compares to retraining without negatives."""
    parts = []
    for row in published_first(rows, "attack").itertuples():
        images = row.found_n / row.seeds
        bounds = f"95{NO_BREAK}% interval {row.found_low * images:.1f} to {row.found_high * images:.1f}"
        parts.append(f"the attack *{row.attack}* finds {row.found:.1f} of {images:g} ({bounds}{_change(row)})")
    return ", ".join(parts)


def _negatives(row: pd.Series) -> str:
    if row["negatives"] == "none" or pd.isna(row["negatives_found_share"]):
        return ""  # noise that is fresh in every batch is stored nowhere
    return f" Of its negatives {percent(row['negatives_found_share'])} fooled the net that they were made against."


def _seen(row: pd.Series) -> str:
    """The mean p of the images in the training set; those of the other arms are none of theirs."""
    return f" ({row['old_p_mean']:.2f} to those that it was trained on)" if is_backworked(row["negatives"]) else ""


def _change(row: tuple) -> str:
    if row.negatives == "none":
        return ""
    bounds = "" if pd.isna(row.found_difference_low) else _ends(row.found_difference_low, row.found_difference_high, 1)
    primary = "" if row.primary == "yes" else ", descriptive"
    said = _with_visible(row.found_verdict, row.found_visible, f"{row.found_visible:.1f}")
    return f"; against no negatives {row.found_difference:+.1f}{bounds}: {said}{primary}"


def _with_visible(verdict: str, visible: float, text: str) -> str:
    """The verdict; where nothing can be told, with the smallest difference that one test could have shown."""
    if not verdict.startswith("cannot tell") or pd.isna(visible):
        return verdict
    return f"{verdict}, {text} or more would have been seen"


def _ends(low: float, high: float, digits: int) -> str:
    return f" ({low:+.{digits}f} to {high:+.{digits}f})"


def _accuracy(row: pd.Series) -> str:
    """The accuracy with the interval over the seeds and images, and its difference to retraining without negatives."""
    n = row["accuracy_n"] / row["seeds"]  # all seeds judge the same test images
    text = interval(row["accuracy"], row["accuracy_low"], row["accuracy_high"], n)
    if row["negatives"] == "none" or pd.isna(row["accuracy_difference_low"]):
        return text
    difference, low, high = (points(row[f"accuracy_difference{end}"], n) for end in ("", "_low", "_high"))
    visible = row["accuracy_visible"]
    said = _with_visible(row["accuracy_verdict"], visible, f"{points(visible, n)} points".lstrip("+"))
    return f"{text} ({difference} points ({low} to {high}) against no negatives: {said})"


def persistence(table: pd.DataFrame, judges: pd.DataFrame) -> Iterator[str]:
    """A sentence per arm after its last round, of the table `retraining-strong`: what it fixes, what it hides.

    `judges`: the table `retraining-judges`.
    """
    for (classifier, negatives, target), rows in table[last_round(table)].groupby(
        ["classifier", "negatives", "target"], sort=False
    ):
        by_attack = {row["attack"]: row for _, row in rows.iterrows()}
        strong = by_attack[STRONG]
        old = {name: row for name, row in by_attack.items() if name not in (STRONG, STRONG_FROM_NOISE)}
        name = "no negatives" if negatives == "none" else f"{negatives} negatives, target {target}"
        shares = ", ".join(f"*{attack}* {_share(row)}" for attack, row in by_attack.items())
        yield (
            f"**{classifier}, {name}**: share of images found by {shares}.{_kinds(strong, judges)} Of the starts"
            f" {percent(strong['flat_share'])} had no gradient. {_verdict(old, by_attack[STRONG_FROM_NOISE])}"
        )


def _share(row: pd.Series) -> str:
    text = interval(row["found_share"], row["found_low"], row["found_high"], row["found_n"])
    return f"{text} (n = {row['found_n']:,})"


def _kinds(strong: pd.Series, judges: pd.DataFrame) -> str:
    """What the found images are: what each judge that can tell calls them, and how near they are to training images."""
    if pd.isna(strong["distance_ratio"]):
        return ""
    own = judges[(judges[[*NET, "attack"]] == strong[[*NET, "attack"]]).all(axis=1)].dropna(subset="example_share")
    said = [
        f"{interval(row.example_share, row.example_low, row.example_high, row.examples_n)} to {row.judge}"
        for row in own.itertuples()
    ]
    examples = f" Of what *{STRONG}* finds, so much is an example of its label by now: {', '.join(said)}." * bool(said)
    ratio = f"{strong['distance_ratio']:.1f} times as far as from a test image"
    return f"{examples} To the nearest training image it is {ratio}."


def _verdict(old: dict[str, pd.Series], strong: pd.Series) -> str:
    """What the arm does to what is found from noise, against no negatives in the same round."""
    if strong["negatives"] == "none":
        return "This is what the others are compared with."
    fewer = [f"*{name}*" for name, row in old.items() if row["found_verdict"] == "lower"]
    fallen, several = " and ".join(fewer), len(fewer) > 1
    said = {
        "helps": f"The arm helps: *{STRONG_FROM_NOISE}* finds less",
        "too little": f"*{STRONG_FROM_NOISE}* finds less, but by less than what matters",
        "hides": f"The arm hides: {fallen} {'find' if several else 'finds'} less, more so than"
        f" *{STRONG_FROM_NOISE}*, which may find as many",
        "no effect": f"*{STRONG_FROM_NOISE}* finds no less, by what matters",
        "cannot tell": f"Cannot tell whether *{STRONG_FROM_NOISE}* finds less"
        + f", as {fallen} {'do' if several else 'does'}" * bool(fallen),
    }[strong["effect"]]
    return f"{said}{_visible(strong)}. Training costs {strong['training_cost']:.1f} times as many passes."


def _visible(strong: pd.Series) -> str:
    """By how much the share differs from that of no negatives, and what these seeds could have shown."""
    if pd.isna(strong["found_visible"]):
        return ", as one seed tells no difference"
    n = strong["found_n"]
    difference, low, high = (points(strong[f"found_difference{end}"], n) for end in ("", "_low", "_high"))
    corrected = f"p = {strong['found_p_holm']:.2g} after Holm's correction over the arms"
    seen = f"{percent(strong['found_visible'], n)} or more would have been seen in one test by itself"
    return f" ({difference} points ({low} to {high}), {corrected}; {seen})"
