"""What the tables of the linear classifiers say, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import percent, points


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
    return f"{percent(row[rate], row['n'] / row['seeds'])} with a weight decay of {row['weight_decay']:g}"


def _significant(lower: pd.DataFrame) -> str:
    if lower.empty:
        return "no other is significantly less accurate"
    named = [
        f"{row.weight_decay:g} ({points(row.accuracy_difference / 100, row.n)} points)" for row in lower.itertuples()
    ]
    return f"significantly less accurate: {', '.join(named)};"
