"""What the table of accuracies says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.statistics.chance import sentence
from spurious.wording import NO_BREAK, percent, plural


def classifiers(table: pd.DataFrame, classes: int) -> Iterator[str]:
    """A sentence per classifier, from the table `classifiers`, and one more where all its seeds are near chance."""
    for classifier, rows in table.groupby("classifier", sort=False):
        seeds = rows[rows["seed"].astype(str) != "all"]
        worst, best = seeds["accuracy"].min(), seeds["accuracy"].max()
        low, high = seeds["low"].min(), seeds["high"].max()
        yield (
            f"**{classifier}** classifies {percent(seeds['accuracy'].mean())} of"
            f" {plural(seeds['n'].iloc[0], 'test image')} correctly (mean of {plural(len(seeds), 'seed')},"
            f" {percent(worst)} to {percent(best)}; their"
            f" 95{NO_BREAK}% intervals span {percent(low)} to {percent(high)})."
        )
        warning = sentence(seeds["n"].iloc[0], seeds["accuracy"].mean(), high, seeds["largest_class"].iloc[0], classes)
        if warning:
            yield f"**{classifier}** {warning}, and the recipe."
