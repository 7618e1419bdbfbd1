"""Certified accuracies beside the published ones of the same training."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spurious.experiments.certification.table import groups, right_radii
from spurious.frames import require
from spurious.rates import of_images
from spurious.statistics.intervals import mean_interval

NEEDED = ["source", "classifier", "sigma", "radius", "published_low", "published_high", "published_samples"]
UNDEFENDED = "none"  # the defence, by its name


def certified_published(rows: pd.DataFrame, published: pd.DataFrame, published_as: Mapping[str, str]) -> pd.DataFrame:
    """Published certified accuracies, and average radii (without a `radius`), beside those without a defence.

    `rows`: what `certify_classifier.py` writes; `published`: NEEDED, the range over the published runs;
    `published_as`: the published name of each classifier. Returns these with `published` (the middle of the range),
    `reproduced, low, high, n, samples, agrees`: the 95 % interval is of the n images alone (Wilson; of a mean radius
    Student's t), and agrees is "yes" where it meets the range. Other numbers of draws are no reproduction, since they
    cap the radius: then `reproduced` and what follows is empty.
    """
    require(published, NEEDED, "published certified accuracies")
    found = {
        (published_as.get(classifier), sigma): own
        for (classifier, defence, sigma), own in groups(rows)
        if defence == UNDEFENDED
    }
    table = []
    for number in published.to_dict("records"):
        own = found.get((number["classifier"], number["sigma"]))
        same = own is not None and own["n"].iloc[0] == number["published_samples"]
        middle = (number["published_low"] + number["published_high"]) / 2
        table.append(number | {"published": middle} | (_beside(own, number) if same else {"agrees": ""}))
    columns = [*NEEDED[:4], "published", *NEEDED[4:], "reproduced", "low", "high", "n", "agrees"]
    return pd.DataFrame(table).reindex(columns=columns).astype({"n": "Int64"})


def _beside(rows: pd.DataFrame, number: Mapping[str, float]) -> dict[str, object]:
    radii = right_radii(rows)
    if np.isnan(number["radius"]):
        value, _, low, high = mean_interval(radii.clip(lower=0))
    else:
        rate = of_images(radii >= number["radius"])
        value, low, high = rate.rate, rate.low, rate.high
    agrees = low <= number["published_high"] and high >= number["published_low"]
    return {"reproduced": value, "low": low, "high": high, "n": len(rows), "agrees": "yes" if agrees else "no"}
