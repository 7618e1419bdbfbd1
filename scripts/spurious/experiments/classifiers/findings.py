"""What the table of accuracies says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.statistics.chance import sentence
from spurious.wording import NO_BREAK, bounds, digits, over_seeds, percent, plural


def classifiers(table: pd.DataFrame, classes: int, trainings: pd.DataFrame | None = None) -> Iterator[str]:
    """A sentence per classifier of the table `classifiers`, one more where all its seeds are near chance.

    And one for each classifier whose training, in the table `training`, had not finished.
    """
    for classifier, rows in table.groupby("classifier", sort=False):
        seeds = rows[rows["seed"].astype(str) != "all"]
        worst, best = seeds["accuracy"].min(), seeds["accuracy"].max()
        low, high = seeds["low"].min(), seeds["high"].max()
        n = seeds["n"].iloc[0]
        each = over_seeds(digits(worst, n), digits(best, n), len(seeds), f"{NO_BREAK}%")
        spanned = "interval" if len(seeds) == 1 else "intervals of the seeds span"
        yield (
            f"**{classifier}** classifies {percent(seeds['accuracy'].mean(), n)} of {plural(n, 'test image')} correctly"
            f" ({each}; 95{NO_BREAK}% {spanned} {bounds(low, high, n)})."
        )
        warning = sentence(n, seeds["accuracy"].mean(), high, seeds["largest_class"].iloc[0], classes)
        if warning:
            yield f"**{classifier}** {warning}, and the recipe."
    if trainings is not None:
        yield from _unfinished(trainings[trainings["still_rising"] == "yes"])


def _unfinished(trainings: pd.DataFrame) -> Iterator[str]:
    for classifier, rows in trainings.groupby("classifier", sort=False):
        last = rows.iloc[0]
        before, after = (percent(last[name], last["n"]) for name in ("before", "validation_accuracy"))
        yield (
            f"**{classifier}** has not learned what it could: its validation accuracy still rose at the end of"
            f" {plural(last['steps'], 'step')}, from {before} to {after} in the last third (seed {last['seed']})."
            " What is said of it here is of an unfinished training; raise `epochs` or `min_steps` of its recipe."
        )
