"""What the table of transfer says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import NO_BREAK, interval, percent


def transfer(table: pd.DataFrame) -> Iterator[str]:
    """The strongest and the weakest transfer between different classifiers, from the table `transfer`."""
    rows = table[table["source"] != table["judge"]]
    for what, row in (("most", rows.loc[rows["fooled"].idxmax()]), ("least", rows.loc[rows["fooled"].idxmin()])):
        yield (
            f"Fooling images transfer {what} from **{row['source']}** to **{row['judge']}**: it gets"
            f" {interval(row['fooled'], row['low'], row['high'])} of them wrong, and {percent(row['chance'])} of the"
            f" same images under random signs of the same size (95{NO_BREAK}% interval {percent(row['chance_low'])} to"
            f" {percent(row['chance_high'])})."
        )
