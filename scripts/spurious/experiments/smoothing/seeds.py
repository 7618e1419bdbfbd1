"""The table of how far the noise draw moves each rate; for `votes` see `votes.py`."""

import numpy as np
import pandas as pd

from spurious.experiments.smoothing.long_form import in_long_form
from spurious.experiments.smoothing.rates import summarize
from spurious.experiments.smoothing.rows import SETTING
from spurious.experiments.smoothing.votes import all_seeds, per_classifier


def seeds(votes: pd.DataFrame) -> pd.DataFrame:
    """How far the noise draw moves each rate: a row per (classifier, kernel, sigma, rate).

    Returns `classifier, kernel, sigma, rate, seeds, n, mean, sd, min, max, first, low, high, sampling_sd`: mean to
    max are over the noise seeds on the same images, `first` is the first seed's rate with its Wilson 95 % interval
    and n. `sampling_sd` is sqrt(mean (1 - mean) / n), by which another sample of images would move it. One seed has
    no sd.
    """
    return per_classifier(votes, _seeds, all_seeds)


def _seeds(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [*SETTING, "rate"]
    long = pd.concat(in_long_form(summarize(own, "")) for _, own in rows.groupby("seed", sort=False))
    spread = long.groupby(keys)["value"].agg(seeds="size", mean="mean", sd="std", min="min", max="max")
    table = long.drop_duplicates(keys).rename(columns={"value": "first"}).merge(spread.reset_index(), on=keys)
    table["sampling_sd"] = np.sqrt(table["mean"] * (1 - table["mean"]) / table["n"])
    return table[[*keys, "seeds", "n", "mean", "sd", "min", "max", "first", "low", "high", "sampling_sd"]]
