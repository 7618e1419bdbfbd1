"""Tables as Markdown and as pages of the report."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from spurious.report.columns import explanation, intervals
from spurious.wording import plural

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1em; color: #1a1a1a; background: #fff; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .5em; text-align: right; white-space: nowrap; border-bottom: 1px solid #e3e3e3; }}
th {{ position: sticky; top: 0; white-space: normal; vertical-align: bottom; }}
th {{ background: #f4f4f4; border-bottom: 2px solid #999; }}
h1 {{ font-size: 1.1em; margin: 0 0 .5em; position: sticky; left: 1em; display: inline-block; }}
tr > :first-child {{ position: sticky; left: 0; background: #fff; }}
thead tr > :first-child {{ z-index: 1; background: #f4f4f4; }}
tbody tr:hover {{ background: #eef5fb; }}
th[title] {{ cursor: help; text-decoration: underline dotted #999; text-underline-offset: 3px; }}
.origin {{ margin: 0 0 .7em; font-size: .85em; color: #555; position: sticky; left: 1em; max-width: 90vw; }}
{rules}
</style></head><body>
<h1>{name}</h1>{origin}
{table}
</body></html>
"""

FILES = 4  # that the line on a table's origin names
LONG = 40  # letters of a cell that may take several lines


def to_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown: fractions to 4 significant digits, missing values empty, numbers to the right.

    A `|` in a cell is escaped, or it would end the cell.
    """
    right = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    cells = table.astype(object).map(lambda value: _cell(value).replace("|", r"\|"))
    return cells.to_markdown(
        index=False, disable_numparse=True, colalign=["right" if number else "left" for number in right]
    )


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What made a table: `function`, such as "spurious.rates:table", and the `files` that it was given."""

    function: str
    files: Sequence[str]


def to_html(table: pd.DataFrame, name: str, origin: Origin | None = None) -> str:
    """The table as a page of its own, with its name, that needs nothing from elsewhere; rounded as in `to_markdown`.

    A number and its interval are one cell. Headings say what their column means when the pointer rests on them; a line
    says what the table was computed by.
    """
    whose = intervals([*table])
    cells = table.astype(object).map(_cell)
    for column, bounds in whose.items():
        cells[column] = [_with_interval(*row) for row in cells[[column, *bounds]].itertuples(index=False)]
    cells = cells.drop(columns=[bound for bounds in whose.values() for bound in bounds])
    kinds = table.dtypes[[*cells]]
    texts = [number for number, kind in enumerate(kinds, 1) if not pd.api.types.is_numeric_dtype(kind)]
    rules = [f"th:nth-child({n}), td:nth-child({n}) {{ text-align: left; }}" for n in texts]
    long = [number for number, column in enumerate(cells, 1) if cells[column].str.len().max() > LONG]
    broken = f"white-space: normal; overflow-wrap: anywhere; min-width: {LONG // 2}ch"
    rules += [f"td:nth-child({n}) {{ {broken}; }}" for n in long]
    headings = iter([_heading(explanation(name, column), whose.get(column)) for column in cells])
    cells.columns = [name.replace("_", "_<wbr>") for name in cells]
    shown = cells.to_html(index=False, border=0).replace("&lt;wbr&gt;", "<wbr>")
    shown = re.sub("<th>", lambda heading: next(headings), shown)
    return PAGE.format(
        name=html.escape(name), rules=" ".join(rules), origin=_computed_by(origin) if origin else "", table=shown
    )


def _with_interval(number: str, low: str, high: str) -> str:
    """A number with its interval, where it has one; "?" is an end that is not known."""
    return f"{number} [{low or '?'}, {high or '?'}]" if low or high else number


def _heading(meaning: str, bounds: tuple[str, str] | None) -> str:
    """The begin of a heading, with what its column means; of a number with an interval, in which columns that is."""
    parts = [meaning, f"in brackets its 95 % interval, {' and '.join(bounds)} of the CSV file" if bounds else ""]
    said = "; ".join(filter(None, parts))
    return f'<th title="{html.escape(said)}">' if said else "<th>"


def _computed_by(origin: Origin) -> str:
    """A line on the function and on the files that a table was computed from; of many, how many there are."""
    files = origin.files
    said = ", ".join(f"<code>{html.escape(path)}</code>" for path in files[:FILES])
    more = f" and {plural(len(files) - FILES, 'more file')}" if len(files) > FILES else ""
    function = f"<code>{html.escape(origin.function)}</code>"
    return f'<p class="origin">Computed by {function}{f" from {said}{more}" if files else ""}.</p>'


def _cell(value: object) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e7:  # counts beside missing values are floats
        return str(int(value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
