"""What the tables of the linear classifiers say, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import NO_BREAK, interval, plural, points


def linear(table: pd.DataFrame, tests: pd.DataFrame) -> Iterator[str]:
    """Whether stronger regularization makes resistant and less accurate, from `linear` and `linear-tests`."""
    rows = table[table["seed"].astype(str) == "all"].sort_values("weight_decay")
    weakest, strongest = rows.iloc[0], rows.iloc[-1]
    most = rows.loc[rows["l2_median"].idxmax()]
    n = round(weakest["n"] / weakest["seeds"])
    yield (
        f"Softmax regression, {plural(n, rows['split'].iloc[0] + ' image')} ({_seeds(weakest['seeds'])}): accuracy"
        f" {_accuracy(weakest)}; {_accuracy(strongest)}. Half of the smallest steps to another class are shorter than"
        f" {_step(weakest)}, than {_step(most)}: {most['l2_median'] / weakest['l2_median']:.1f} times as long."
    )
    others = tests[tests["weight_decay"] != tests["against"]]
    lower = others[others["accuracy_verdict"] == "lower"]
    yield (
        f"Against the weight decay {tests['against'].iloc[0]:g}, {_significant(lower)} by the exact McNemar test"
        " (Holm's correction)."
    )


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"means over {count} seeds"


def _accuracy(row: pd.Series) -> str:
    rate = interval(row["accuracy"], row["low"], row["high"], row["n"] / row["seeds"])
    return f"{rate}, with a weight decay of {row['weight_decay']:g}"


def _step(row: pd.Series) -> str:
    bounds = f"95{NO_BREAK}% interval {row['l2_low']:.3g} to {row['l2_high']:.3g}"
    return f"{row['l2_median']:.3g} (L2, {bounds}) with a weight decay of {row['weight_decay']:g}"


def _significant(lower: pd.DataFrame) -> str:
    if lower.empty:
        return "no other is significantly less accurate"
    named = []
    for row in lower.itertuples():
        difference, low, high = (points(value / 100, row.n) for value in (row.accuracy_difference, row.low, row.high))
        named.append(f"{row.weight_decay:g} ({difference} points, {low} to {high})")
    return f"significantly less accurate: {', '.join(named)};"
