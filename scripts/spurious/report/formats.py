"""Tables as Markdown and as pages of the report."""

import html

import pandas as pd

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
{left}
</style></head><body>
<h1>{name}</h1>
{table}
</body></html>
"""


def to_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown: fractions to 4 significant digits, missing values empty, numbers to the right.

    A `|` in a cell is escaped, or it would end the cell.
    """
    right = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    cells = table.astype(object).map(lambda value: _cell(value).replace("|", r"\|"))
    return cells.to_markdown(
        index=False, disable_numparse=True, colalign=["right" if number else "left" for number in right]
    )


def to_html(table: pd.DataFrame, name: str) -> str:
    """The table as a page of its own, with its name, that needs nothing from elsewhere; rounded as in `to_markdown`."""
    cells = table.astype(object).map(_cell)
    texts = [number for number, kind in enumerate(table.dtypes, 1) if not pd.api.types.is_numeric_dtype(kind)]
    left = " ".join(f"th:nth-child({n}), td:nth-child({n}) {{ text-align: left; }}" for n in texts)
    cells.columns = [name.replace("_", "_<wbr>") for name in cells]
    return PAGE.format(
        name=html.escape(name), left=left, table=cells.to_html(index=False, border=0).replace("&lt;wbr&gt;", "<wbr>")
    )


def _cell(value: object) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e7:  # counts beside missing values are floats
        return str(int(value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
