"""Tables as Markdown and as pages of the report."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from spurious.report.columns import explanation
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
{left}
</style></head><body>
<h1>{name}</h1>{origin}
{table}
</body></html>
"""

FILES = 4  # that the line on a table's origin names


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

    Headings say what their column means when the pointer rests on them; a line says what the table was computed by.
    """
    cells = table.astype(object).map(_cell)
    texts = [number for number, kind in enumerate(table.dtypes, 1) if not pd.api.types.is_numeric_dtype(kind)]
    left = " ".join(f"th:nth-child({n}), td:nth-child({n}) {{ text-align: left; }}" for n in texts)
    meanings = iter([explanation(name, column) for column in cells])
    cells.columns = [name.replace("_", "_<wbr>") for name in cells]
    shown = cells.to_html(index=False, border=0).replace("&lt;wbr&gt;", "<wbr>")
    shown = re.sub("<th>", lambda heading: _heading(next(meanings)), shown)
    return PAGE.format(name=html.escape(name), left=left, origin=_computed_by(origin) if origin else "", table=shown)


def _heading(meaning: str) -> str:
    """The begin of a heading, with what its column means."""
    return f'<th title="{html.escape(meaning)}">' if meaning else "<th>"


def _computed_by(origin: Origin) -> str:
    """A line on the function and on the files that a table was computed from; of many, how many there are.

    A file elsewhere is named without its folder: pages do not depend on where a clone is.
    """
    files = [Path(path).name if Path(path).is_absolute() else path for path in origin.files]
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
