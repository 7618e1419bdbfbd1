"""What the table of transfer says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.frames import SIGNIFICANCE
from spurious.statistics.comparisons import holm
from spurious.wording import NO_BREAK, bounds, interval, percent, plural


def transfer(table: pd.DataFrame) -> Iterator[str]:
    """The strongest and the weakest transfer between different classifiers, and what is beyond chance, from the table.

    One sentence that says why there is neither, of a single classifier and where no image fools the one it is made for.
    """
    others = table[table["source"] != table["judge"]]
    rows = others[others["fooled"].notna()]
    if others.empty:
        yield f"**{table['source'].iloc[0]}** stands alone: there is no other classifier to transfer to."
    elif rows.empty:
        yield "No image fools the classifier that it was made for, so there is nothing to transfer."
    if rows.empty:
        return
    size = "the same images under random signs of the same size"
    for what, row in (("most", rows.loc[rows["fooled"].idxmax()]), ("least", rows.loc[rows["fooled"].idxmin()])):
        chance = f"95{NO_BREAK}% interval {bounds(row['chance_low'], row['chance_high'], row['n'])}"
        yield (
            f"Fooling images transfer {what} from **{row['source']}** to **{row['judge']}**: it gets"
            f" {interval(row['fooled'], row['low'], row['high'], row['n'])} of"
            f" {plural(row['n'], 'image')} wrong, and {percent(row['chance'], row['n'])} of {size} ({chance})."
        )
    yield _beyond_chance(rows)


def _beyond_chance(rows: pd.DataFrame) -> str:
    """Between which classifiers images fool more often than random signs, by a test over all pairs."""
    significant = (holm(rows["mcnemar_p"]) < SIGNIFICANCE) & (rows["fooled"] > rows["chance"])
    said = f"Of {plural(len(rows), 'pair')}, {significant.sum()} transfer more than random signs of the same size do"
    test = " (exact McNemar test, paired by image, Holm's correction)"
    sources = [name for name, own in significant.groupby(rows["source"], sort=False) if not own.any()]
    none = f"; to no judge those made to fool **{'**, **'.join(sources)}**" if sources else ""
    return f"{said}{test}{none}. Every source spends its whole budget on the largest margin."
