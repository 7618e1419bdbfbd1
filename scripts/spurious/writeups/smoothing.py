"""This run's numbers in the words of the smoothing write-up."""

from collections.abc import Mapping

import pandas as pd

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.long_form import in_long_form
from spurious.experiments.smoothing.published import QUANTITIES, SMOOTHING
from spurious.writeups.reproduced import COLUMNS


def smoothing(
    summary: pd.DataFrame, numbers: pd.DataFrame, *, dataset: str, published_as: Mapping[str, str]
) -> pd.DataFrame:
    """The rates of smoothing.csv that the write-up has: COLUMNS, a row per rate.

    `summary` holds the rows of one or several classifiers, `published_as` the name in the write-up of those that it
    is about, `numbers` the published numbers: a setting (dataset, classifier, taps, sigma) that none of them is about
    is left out. n is the rate's own number of images, for the majority the accepted ones. Raises SpuriousError for a
    name that the write-up does not know, though it knows the dataset.
    """
    settings = set(numbers.loc[numbers["source"] == SMOOTHING, "setting"])
    _check_names(published_as, dataset, settings)
    long = in_long_form(summary[summary["classifier"].isin(list(published_as))])
    long = long[long["rate"].isin(list(QUANTITIES))]
    names = long["classifier"].map(published_as)
    setting = [
        f"{dataset}, {name}, {kernel} taps, sigma {sigma:g}"
        for name, kernel, sigma in zip(names, long["kernel"], long["sigma"], strict=True)
    ]
    rows = long.assign(source=SMOOTHING, quantity=long["rate"].map(QUANTITIES), setting=setting)
    rows = rows[rows["setting"].isin(settings)].rename(columns={"value": "reproduced"})
    return rows[COLUMNS].reset_index(drop=True)


def _check_names(published_as: Mapping[str, str], dataset: str, settings: set[str]) -> None:
    known = {setting.split(", ")[1] for setting in settings if setting.startswith(f"{dataset}, ")}
    for classifier, name in published_as.items():
        if known and name not in known:
            raise SpuriousError(
                f"{classifier}.published_as: nobody published numbers of {name!r} on {dataset};"
                f" use {' or '.join(sorted(known))}, or leave the key out"
            )
