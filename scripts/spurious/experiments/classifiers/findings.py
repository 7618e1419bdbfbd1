"""What the table of accuracies says, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import NO_BREAK, percent, plural


def classifiers(table: pd.DataFrame, trainings: pd.DataFrame | None = None) -> Iterator[str]:
    """A sentence per classifier, from the table `classifiers`, and one for each unfinished one of `training`."""
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
    if trainings is not None:
        yield from _unfinished(trainings[trainings["still_rising"] == "yes"])


def _unfinished(trainings: pd.DataFrame) -> Iterator[str]:
    for classifier, rows in trainings.groupby("classifier", sort=False):
        last = rows.iloc[0]
        yield (
            f"**{classifier}** has not learned what it could: its validation accuracy still rose at the end of"
            f" {plural(last['steps'], 'step')}, from {percent(last['before'])} to"
            f" {percent(last['validation_accuracy'])} in the last third (seed {last['seed']}). What is said of it here"
            " is of an unfinished training; raise `epochs` or `min_steps` of its recipe."
        )
