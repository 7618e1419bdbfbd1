"""What the tables of linear classifiers, fooling and transfer say, in sentences for the report's front page."""

from collections.abc import Iterator

import pandas as pd

from spurious.findings import NO_BREAK, interval, percent

PLURALS = {"image": "test images", "noise": "noise"}


def linear(table: pd.DataFrame, tests: pd.DataFrame) -> Iterator[str]:
    """Whether stronger regularization makes resistant and less accurate, from `linear` and `linear-tests`."""
    rows = table[table["seed"].astype(str) == "all"].sort_values("weight_decay")
    weakest, strongest = rows.iloc[0], rows.iloc[-1]
    most = rows.loc[rows["l2_median"].idxmax()]
    yield (
        f"Softmax regression, {rows['split'].iloc[0]} images: accuracy {_decayed(weakest, 'accuracy')},"
        f" {_decayed(strongest, 'accuracy')}. Half of the smallest steps to another class are shorter than"
        f" {weakest['l2_median']:.3g} (L2) at the weakest regularization, than {most['l2_median']:.3g} at a weight"
        f" decay of {most['weight_decay']:g} ({most['l2_median'] / weakest['l2_median']:.1f} times as long)."
    )
    others = tests[tests["weight_decay"] != tests["against"]]
    lower = others[others["accuracy_verdict"] == "lower"]
    yield (
        f"Against the weight decay {tests['against'].iloc[0]:g}, {_significant(lower)} by the exact McNemar test"
        " (Holm's correction)."
    )


def _decayed(row: pd.Series, rate: str) -> str:
    return f"{percent(row[rate])} with a weight decay of {row['weight_decay']:g}"


def _significant(lower: pd.DataFrame) -> str:
    if lower.empty:
        return "no other is significantly less accurate"
    named = [f"{row.weight_decay:g} ({row.accuracy_difference:+.2f} points)" for row in lower.itertuples()]
    return f"significantly less accurate: {', '.join(named)};"


def fooling(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier, from the table `fooling`: the success of every method beside its control."""
    for classifier, rows in table[table["seed"].astype(str) != "all"].groupby("classifier", sort=False):
        first = rows[rows["seed"] == rows["seed"].iloc[0]]
        parts = [f"*{row.method}* {percent(row.success)} ({percent(row.control)})" for row in first.itertuples()]
        yield (
            f"**{classifier}** is fooled, in parentheses by a random change of the same size: {', '.join(parts)}"
            f" (seed {first['seed'].iloc[0]})."
        )


def black_box(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier and start, from the table `black_box`: evolution beside random search."""
    for (classifier, start), rows in table.groupby(["classifier", "start"], sort=False):
        found = rows[rows["search"] == "evolution"].iloc[0]
        control = rows[rows["search"] == "random"].iloc[0]
        queries = "" if pd.isna(found["queries_median"]) else f", after {found['queries_median']:.0f} queries (median)"
        yield (
            f"**{classifier}** (accuracy {percent(found['accuracy'])}), from {PLURALS[start]}, scores alone: evolution"
            f" reaches the target in {interval(found['success'], found['low'], found['high'])}{queries}; random search"
            f" in {percent(control['success'])}."
        )


def transfer(table: pd.DataFrame) -> Iterator[str]:
    """The strongest and the weakest transfer between different classifiers, from the table `transfer`."""
    rows = table[table["source"] != table["judge"]]
    for what, row in (("most", rows.loc[rows["fooled"].idxmax()]), ("least", rows.loc[rows["fooled"].idxmin()])):
        yield (
            f"Fooling images transfer {what} from **{row['source']}** to **{row['judge']}**: it gets"
            f" {interval(row['fooled'], row['low'], row['high'])} of them wrong, and {percent(row['chance'])} of the"
            f" same images under random signs of the same size (95{NO_BREAK}% interval {percent(row['chance_low'])} to"
            f" {percent(row['chance_high'])})."
        )
