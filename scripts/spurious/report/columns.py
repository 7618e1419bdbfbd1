"""What the columns of the tables mean, said where a table is read: each heading explains itself under the pointer."""

import re
from collections.abc import Sequence

from spurious.report.headings import COMMON, OF_TABLE, OF_VIEW, VIEWS


def explanation(table: str, column: str) -> str:
    """What a column of a table means, "" where nothing is known of it; the ends of an interval need no entry."""
    own = OF_TABLE.get(table, {}).get(column) or COMMON.get(column)
    return own or (_of_view(column) if table.startswith("smoothing") else "")


def _of_view(column: str) -> str:
    """What a column that is named after a view means, such as acc_ns, "" where it is not."""
    for heading, text in OF_VIEW.items():
        found = re.fullmatch(heading.format(r"(\w+)"), column)
        if found:
            return text.format(VIEWS.get(found[1], found[1]))
    return ""


def intervals(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """{column: (column of its lower bound, of its upper bound)}.

    `x_low` belongs to the column before it where that one begins with x (x, x_share, x_median), but for the number of
    images x_n, else to x. A plain `low` belongs to the column before it.
    """
    found = {}
    for before, column in zip(["", *columns], columns, strict=False):
        stem = column.removesuffix("low").removesuffix("_")
        if not column.endswith("low") or column.removesuffix("low") not in ("", f"{stem}_"):
            continue
        owned = before.startswith(stem) and before != f"{stem}_n" and not before.endswith(("_low", "_high"))
        owner = before if owned else stem
        high = f"{column.removesuffix('low')}high"
        if owner in columns and high in columns:
            found[owner] = (column, high)
    return found
