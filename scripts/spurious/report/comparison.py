"""Two runs side by side: what differs in their tables, numbers by more than their intervals, and their settings."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from spurious.report.columns import intervals

# Columns that say what a row is about. What they do not tell apart is matched in the order of the rows.
IDENTITY = (
    *("classifier", "classes", "defence", "source", "judge", "dataset", "quantity", "setting", "variant", "view"),
    *("negatives", "target", "round", "attack", "search", "method", "start", "goal", "norm", "epsilon", "clamp"),
    *(
        "kernel",
        "sigma",
        "noise",
        "radius",
        "size",
        "agreement",
        "rate",
        "check",
        "gradient",
        "mode",
        "kind",
        "against",
        "beside",
        "generation",
        "claim",
    ),
    *("weight_decay", "split", "seed", "label", "id", "image", "name", "step", "predicted", "first", "second", "layer"),
)
RELATIVE = 1e-6  # what numbers without an interval may differ by: tables have seven digits


def differences(ours: pd.DataFrame, other: pd.DataFrame) -> Iterator[str]:
    """A line for each cell that differs in two versions of a table, and for each row or column that one lacks.

    A number differs where |a - b| exceeds the root of the sum of the squared half widths of the two intervals. Where
    one of them has no interval, they may differ by RELATIVE of the larger one. Text, such as a verdict, differs where
    it is not the same. What is in a cell differs from an empty one.
    """
    keys = [column for column in IDENTITY if column in ours and column in other and _identifies(ours[column])]
    sides = _rows(ours, keys), _rows(other, keys)
    for column in ours.columns.symmetric_difference(other.columns):
        yield f"column {column}: only in {'the first' if column in ours else 'the second'}"
    whose = intervals([*ours]), intervals([*other])
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        here = " ".join(f"{name}={value}" for name, value in zip([*keys, "row"], key, strict=True) if value != "")
        if missing := [where for where, rows in zip(("first", "second"), sides, strict=True) if key not in rows]:
            yield f"{here}: no such row in the {missing[0]}"
            continue
        pair = sides[0][key], sides[1][key]
        yield from (f"{here} {line}" for line in _cells(pair, whose, keys))


def setting_differences(ours: Any, other: Any, name: str = "") -> Iterator[str]:
    """A line for each value that differs between two nested mappings; a missing one is "none"."""
    if isinstance(ours, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*ours, *other]):
            yield from setting_differences(ours.get(key), other.get(key), f"{name}.{key}" if name else str(key))
    elif ours != other:
        first, second = ("none" if value is None else value for value in (ours, other))
        yield f"{name}: {first} | {second}"


def _identifies(column: pd.Series) -> bool:
    """`first` and `second` are names in one table, and numbers in another."""
    return column.name not in ("first", "second") or not pd.api.types.is_numeric_dtype(column)


def _rows(table: pd.DataFrame, keys: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows by their identity and, where rows share it, their place among these."""
    names = pd.DataFrame({key: table[key].map(_name) for key in keys}, index=table.index)
    place = names.groupby(keys).cumcount() if keys else pd.Series(range(len(table)), index=table.index)
    names["row"] = place.map(lambda at: str(at) if at or not keys else "")
    return dict(zip(names.itertuples(index=False, name=None), table.to_dict("records"), strict=True))


def _name(value: Any) -> str:
    """One name for a number in any form: 0, 0.0 and "0" are the same seed."""
    try:
        return "" if pd.isna(value) else f"{float(value):.7g}"
    except ValueError:
        return str(value)


def _cells(
    pair: tuple[dict[str, Any], dict[str, Any]], whose: tuple[dict[str, tuple[str, str]], ...], keys: list[str]
) -> Iterator[str]:
    """The cells of two rows that differ; bounds count through the number that they belong to."""
    bounds = {bound for both in whose[0].values() for bound in both}
    for column in pair[0]:
        if column in keys or column in bounds or column not in pair[1]:
            continue
        names = [_name(row[column]) for row in pair]
        values = [_number(row[column]) for row in pair]
        widths = (_half_width(row, own.get(column)) for row, own in zip(pair, whose, strict=True))
        told = any(math.isnan(value) for value in values)  # text, or empty
        if names[0] != names[1] if told else not _agree(*values, math.hypot(*widths)):
            yield f"{column}: {names[0] or 'nan'} | {names[1] or 'nan'}"


def _agree(first: float, second: float, allowed: float) -> bool:
    """Whether two numbers differ by at most `allowed`; NaN: by RELATIVE."""
    return math.isclose(first, second, rel_tol=RELATIVE) or abs(first - second) <= allowed


def _number(value: Any) -> float:
    """The value as a number; NaN where it is text, or missing."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def _half_width(row: dict[str, Any], bounds: tuple[str, str] | None) -> float:
    """Half of the interval of a number; NaN where it has none."""
    return (_number(row[bounds[1]]) - _number(row[bounds[0]])) / 2 if bounds else math.nan
