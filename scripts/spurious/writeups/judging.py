"""How a claim is judged: rules from tables, named by string, to a verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spurious.frames import SIGNIFICANCE, Tables

SUPPORTED, CONTRADICTED, UNDECIDED, NOT_RUN = "supported", "contradicted", "undecided", "not run"
INVISIBLE = 8 / 255  # the largest change of a pixel that counts as imperceptible
LITTLE = 0.05  # a cost in accuracy that is "little", a difference that is "similar"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What decides a claim: `measured` says in words what `value` is, [low, high] is its 95 % interval, of `n`."""

    verdict: str
    measured: str
    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    n: float = float("nan")


class NotRun(Exception):
    """A rule's tables lack what it needs; the message says what."""


Rule = Callable[..., Finding]  # of tables, by position; raises NotRun where they lack what it needs
RULES: dict[str, Rule] = {}  # by the name of the claim


def rule(claim: str) -> Callable[[Rule], Rule]:
    """Register the rule of a claim of claims.csv, which names its tables in the order of the arguments."""

    def register(function: Rule) -> Rule:
        if claim in RULES:
            raise ValueError(f"the claim {claim!r} has two rules")
        RULES[claim] = function
        return function

    return register


def decide(claim: str, names: Sequence[str], tables: Tables) -> Finding:
    """What the rule of a claim finds in the tables of these names.

    "not run", with the reason, where one is not among the `tables`, or lacks columns or rows.
    """
    try:
        for name in names:
            if name not in tables:
                raise NotRun(f"no table {name}")
            if tables[name].empty:
                raise NotRun(f"no rows in the table {name}")
        return RULES[claim](*(tables[name] for name in names))
    except NotRun as missing:
        return Finding(verdict=NOT_RUN, measured=str(missing))
    except KeyError as missing:  # of the tables, which are the only thing that is looked up
        return Finding(verdict=NOT_RUN, measured=f"{' and '.join(names)}: no column or row {missing}")


def name_of_rule(claim: str) -> str:
    """The function that decides a claim, with its module."""
    function = RULES[claim]
    return f"{function.__module__}.{function.__qualname__}"


def chosen(table: pd.DataFrame, words: str, **values: object) -> pd.DataFrame:
    """The rows with these values, or with one of several in a list; raises NotRun, naming the `words`, without any."""
    for column, value in values.items():
        table = table[table[column].isin(value if isinstance(value, list) else [value])]
    if table.empty:
        raise NotRun(f"no rows of {words}")
    return table


def first_classifier(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the classifier that comes first: the configuration's order makes it the main one."""
    if table.empty:
        raise NotRun("no row is of a kind that counts here")
    return table[table["classifier"] == table["classifier"].iloc[0]]


def smallest(rows: pd.DataFrame, column: str) -> pd.Series:
    """The row with the smallest number of a column; raises NotRun where none has one (nan)."""
    if rows[column].isna().all():
        raise NotRun(f"the column {column} has no values")
    return rows.loc[rows[column].idxmin()]


def above(low: float, high: float, bound: float = 0.0) -> str:
    """Whether an interval supports that the value lies above the bound; nan at either end decides nothing."""
    if np.isnan([low, high]).any():
        return UNDECIDED
    return SUPPORTED if low > bound else CONTRADICTED if high < bound else UNDECIDED


def below(low: float, high: float, bound: float = 0.0) -> str:
    """Whether an interval supports that the value lies below the bound."""
    return above(-high, -low, -bound)


def between(low: float, high: float, least: float, most: float) -> str:
    """Whether an interval supports that the value lies between two bounds; nan at either end decides nothing."""
    verdicts = above(low, high, least), below(low, high, most)
    return CONTRADICTED if CONTRADICTED in verdicts else SUPPORTED if verdicts == (SUPPORTED,) * 2 else UNDECIDED


def each_higher(rows: pd.DataFrame, gain: str = "gain", p: str = "p_holm") -> str:
    """Whether every row has a significant gain; one significant loss contradicts. `p` is corrected for all rows."""
    significant = rows[p] < SIGNIFICANCE
    if (significant & (rows[gain] < 0)).any():
        return CONTRADICTED
    return SUPPORTED if (significant & (rows[gain] > 0)).all() else UNDECIDED


def difference(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float, float]:
    """first - second with its interval, from two rates with theirs, (value, low, high) each.

    Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008): the
    squared distances add up. Pairing is ignored, which makes the interval of paired rates too wide, not too narrow.
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second
    return a - b, a - b - np.hypot(a - a_low, b_high - b), a - b + np.hypot(a_high - a, b - b_low)


def halved(rate: tuple[float, float, float]) -> tuple[float, float, float]:
    """Half of a rate, with half of its interval."""
    value, low, high = rate
    return value / 2, low / 2, high / 2


def rate(row: pd.Series, name: str, prefix: str | None = None) -> tuple[float, float, float]:
    """A rate of a row with its interval, from the columns `name`, `<prefix>low` and `<prefix>high`."""
    prefix = f"{name}_" if prefix is None else prefix
    return row[name], row[f"{prefix}low"], row[f"{prefix}high"]
