"""Tables as Markdown and as pages of the report."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from spurious.report.columns import explanation, intervals
from spurious.wording import plural

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1em; color: #1a1a1a; background: #fff; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0 0 2em; }}
th, td {{ padding: .2em .5em; text-align: right; white-space: nowrap; border-bottom: 1px solid #e3e3e3; }}
th {{ position: sticky; top: 0; white-space: normal; vertical-align: bottom; }}
th {{ background: #f4f4f4; border-bottom: 2px solid #999; }}
h1 {{ font-size: 1.1em; margin: 0 0 .5em; position: sticky; left: 1em; display: inline-block; }}
tr > :first-child {{ position: sticky; left: 0; background: #fff; }}
thead tr > :first-child {{ z-index: 1; background: #f4f4f4; }}
tbody tr:hover {{ background: #eef5fb; }}
th[title] {{ cursor: help; text-decoration: underline dotted #999; text-underline-offset: 3px; }}
h1 small {{ font-weight: normal; color: #555; margin-left: .7em; }}
.caption {{ margin: 0 0 .5em; position: sticky; left: 1em; max-width: min(60em, 90vw); }}
.origin {{ margin: 0 0 .7em; font-size: .85em; color: #555; position: sticky; left: 1em; max-width: 90vw; }}
{rules}
</style></head><body>
<h1>{title} <small>{name}.csv</small></h1>{caption}{origin}
{table}
</body></html>
"""

FILES = 4  # that the line on a table's origin names
LONG, NARROW = 40, 14  # letters of a cell that may take several lines, and the fewest of such a line
WHOLE = "\u00a0"  # a space at which no line ends
PAGE_WIDTH = 1040  # pixels that a table may take: a little less than the page has in a window of 1400
LETTER, BOLD_LETTER, PADDING = 8, 9, 14  # pixels of a letter of a cell and of a heading, and beside them


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


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What stands above a table: a title, "" for its name, and a caption as reStructuredText."""

    title: str = ""
    caption: str = ""


UNTITLED = Heading()


def to_html(table: pd.DataFrame, name: str, origin: Origin | None = None, heading: Heading = UNTITLED) -> str:
    """The table as a page of its own, below its heading, that needs nothing from elsewhere; rounded as `to_markdown`.

    Texts for the page alone are in `table.attrs["on_page"]`: {column: what follows its cells}. A number and its
    interval are one cell. Headings say what their column means when the pointer rests on them; a line
    says what the table was computed by. Columns that do not fit beside each other go on in further tables, which begin
    with the columns that tell the rows apart.
    """
    table = _with_texts_of_the_page(table)
    whose = intervals([*table])
    cells = _cells(table, whose)
    keys = _keys(cells)
    parts = [cells[columns] for columns in _beside_each_other(cells, keys)]
    styles = {column: _style(cells[column], table.dtypes[column], column in whose) for column in cells}
    rules = [rule for number, part in enumerate(parts, 1) for rule in _rules(part, styles, number)]
    headings = {column: _heading(explanation(name, column), whose.get(column)) for column in cells}
    shown = [_shown(part, headings, number) for number, part in enumerate(parts, 1)]
    return PAGE.format(
        name=html.escape(name),
        title=html.escape(heading.title or name),
        caption=_paragraphs(heading.caption),
        rules=" ".join(rules),
        origin=(_computed_by(origin) if origin else "") + _places(parts, len(keys)),
        table="\n".join(shown),
    )


def _with_texts_of_the_page(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the texts behind cells that its CSV and Markdown files do not have."""
    table = table.copy()
    for column, texts in table.attrs.pop("on_page", {}).items():
        table[column] = [f"{cell}{text}" for cell, text in zip(table[column], texts, strict=True)]
    return table


def _paragraphs(caption: str) -> str:
    """A caption as HTML: its paragraphs, and ``literals`` as code; captions have no other markup."""
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", caption) if part.strip()]
    shown = (re.sub("``(.+?)``", r"<code>\1</code>", html.escape(part, quote=False)) for part in parts)
    return "".join(f'<p class="caption">{part}</p>' for part in shown)


def _beside_each_other(cells: pd.DataFrame, keys: list[str]) -> list[list[str]]:
    """The columns of each table that fits the page; all of them begin with the `keys`."""
    width = {column: _width(column, cells[column]) for column in cells}
    parts = [keys]
    for column in cells.columns[len(keys) :]:
        if parts[-1] != keys and sum(width[own] for own in (*parts[-1], column)) > PAGE_WIDTH:
            parts.append(keys)
        parts[-1] = [*parts[-1], column]
    return parts


def _keys(cells: pd.DataFrame) -> list[str]:
    """The fewest first columns in which no two rows are alike; the first alone where all columns are."""
    counts = (count for count in range(1, len(cells.columns) + 1) if not cells.iloc[:, :count].duplicated().any())
    return [*cells.columns[: next(counts, 1)]]


def _width(column: str, cells: pd.Series) -> float:
    """About how many pixels a column takes: its longest cell, or word of its heading, unless a cell may be broken."""
    cell = max((len(line) for cell in cells for line in cell.split(" [")), default=0)
    word = max(map(len, re.split("(?<=_)", column)))
    return max(LETTER * (NARROW if cell > LONG else cell), BOLD_LETTER * word) + PADDING


def _style(cells: pd.Series, kind: object, has_interval: bool) -> str:
    """The style of a column: texts to the left; lines that end before an interval, in long texts anywhere."""
    left = "" if pd.api.types.is_numeric_dtype(kind) else "text-align: left; "
    if cells.str.len().max() > LONG and not has_interval:
        return f"{left}white-space: normal; overflow-wrap: anywhere; min-width: {NARROW}ch"
    return left + ("white-space: normal" if has_interval else "")


def _rules(part: pd.DataFrame, styles: Mapping[str, str], number: int) -> Iterator[str]:
    """The styles of the columns of a table."""
    for place, column in enumerate(part, 1):
        if styles[column]:
            yield f"#part{number} :is(th, td):nth-child({place}) {{ {styles[column]} }}"


def _shown(part: pd.DataFrame, headings: Mapping[str, str], number: int) -> str:
    """The table itself; a heading may be broken behind an underscore."""
    explained = (headings[column] for column in part)
    breakable = part.set_axis([column.replace("_", "_<wbr>") for column in part], axis=1)
    shown = breakable.to_html(index=False, border=0, table_id=f"part{number}").replace("&lt;wbr&gt;", "<wbr>")
    return re.sub("<th>", lambda heading: next(explained), shown)


def _places(parts: Sequence[pd.DataFrame], keys: int) -> str:
    """A line with links to the tables, where they are several, by what comes first in each after the keys."""
    if len(parts) == 1:
        return ""
    links = [f'<a href="#part{n}">{html.escape(part.columns[keys])} …</a>' for n, part in enumerate(parts, 1)]
    return f'<p class="origin">The columns are in {len(parts)} tables: {", ".join(links)}</p>'


def _cells(table: pd.DataFrame, whose: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """The cells as texts: a number with its interval, where it has one, which stays whole; "?" is no known end."""
    cells = table.astype(object).map(_cell)
    for column, (low, high) in whose.items():
        interval = " [" + cells[low].replace("", "?") + f",{WHOLE}" + cells[high].replace("", "?") + "]"
        cells[column] += interval.where((cells[low] != "") | (cells[high] != ""), "")
    return cells.drop(columns=[bound for bounds in whose.values() for bound in bounds])


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
