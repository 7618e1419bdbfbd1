"""The table of published numbers beside the reproduced ones."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import interval
from spurious.writeups import cohen as of_cohen
from spurious.writeups import goodfellow as of_goodfellow
from spurious.writeups import linear as of_linear
from spurious.writeups import nguyen as of_nguyen
from spurious.writeups import smoothing as of_smoothing

NUMBER = ["source", "quantity", "setting"]
KNOWN = ["rounding", "published_n", "status", "why"]  # of some published numbers
COMPUTED = "computed"


def beside(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> pd.DataFrame:
    """Published numbers beside the reproduced ones.

    `numbers`: `source, quantity, setting, published`, with `rounding`, half a unit of its last digit, of a rate
    `published_n`, its number of images, `status` and `why`, each where it is known; `reproduced`: `source, quantity,
    setting, reproduced, low, high, n`. Returns `source, quantity, setting, published, reproduced, low, high, n, agrees,
    rounding, published_n, status, why` in the order of `numbers`: agrees is "yes" where they differ by no more than the
    rounding and the root of the sum of their squared uncertainties, that of a published rate being Wilson's interval,
    else "no"; it is empty where nothing was reproduced or no interval is known. status is "computed" where something
    was reproduced, else what the number's status says: "needs a file", "not implemented", and of what is "computed"
    from other data than this run's "in another run"; why says what is missing, "" where something was reproduced.
    Raises SpuriousError for a reproduced number that nobody published.
    """
    require(numbers, [*NUMBER, "published"], "published numbers")
    require(reproduced, [*NUMBER, "reproduced", "low", "high", "n"], "reproduced numbers")
    for key in _unknown(numbers, reproduced):
        raise SpuriousError(f"reproduced numbers: {', '.join(key)!r} is not among the published numbers")
    table = numbers.merge(reproduced, on=NUMBER, how="left", validate="one_to_one")
    # objects where nothing was reproduced
    table = table.astype({"reproduced": float, "low": float, "high": float})
    table = table.reindex(columns=[*table, *(name for name in KNOWN if name not in table)])
    known = table[["low", "high"]].notna().all(axis=1)
    table["agrees"] = _agrees(table).map({True: "yes", False: "no"}).where(known, "")
    status = table["status"].replace(COMPUTED, "in another run")
    table["status"] = status.mask(table["reproduced"].notna(), COMPUTED).astype(object)
    table["why"] = table["why"].mask(table["reproduced"].notna(), "").astype(object)
    table = table.astype({"n": "Int64", "published_n": "Int64"})
    return table[[*NUMBER, "published", "reproduced", "low", "high", "n", "agrees", *KNOWN]]


def _agrees(table: pd.DataFrame) -> pd.Series:
    """Whether the two numbers are as near as their uncertainties on the sides that face each other."""
    published, reproduced = table["published"], table["reproduced"]
    above, n = published > reproduced, table["published_n"].astype(float)
    own = np.where(above, table["high"] - reproduced, reproduced - table["low"])
    low, high = interval(published * n, n)
    theirs = np.nan_to_num(np.where(above, published - low, high - published))
    room = np.hypot(own, theirs) + table["rounding"].fillna(0.0)
    return (published - reproduced).abs() <= room * (1 + 1e-9)  # a difference of just the rounding agrees


def _unknown(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    known = set(numbers[NUMBER].itertuples(index=False, name=None))
    return (key for key in reproduced[NUMBER].itertuples(index=False, name=None) if key not in known)


def table(
    published: pd.DataFrame,
    dataset: str,
    published_as: Mapping[str, str],
    decays: Mapping[str, float] | None = None,
    smoothing: pd.DataFrame | None = None,
    toy: pd.DataFrame | None = None,
    start: pd.DataFrame | None = None,
    linear: pd.DataFrame | None = None,
    linear_tests: pd.DataFrame | None = None,
    pair: pd.DataFrame | None = None,
    fooling: pd.DataFrame | None = None,
    rubbish: pd.DataFrame | None = None,
    elites: pd.DataFrame | None = None,
    network: str = "",
) -> pd.DataFrame:
    """Every number of the write-ups, beside those that this run computed; None is what the dataset does not have.

    `decays`: the weight decays that stand for those of the write-up on linear classifiers, by its words. `network`: the
    classifier that stands for the LeNet of Nguyen et al. Raises SpuriousError where two classifiers claim one name.
    """
    for name, count in Counter(published_as.values()).items():
        if count > 1:
            raise SpuriousError(f"published_as: {name!r} stands for several classifiers; keep it at one of them")
    parts = [of_cohen.radii(published)]
    if smoothing is not None:
        parts.append(of_smoothing.smoothing(smoothing, published, dataset=dataset, published_as=published_as))
    if dataset == "imagenet-samples" and start is not None:
        parts.append(of_linear.start(start))
    if toy is not None:
        parts.append(of_linear.toy(toy))
    if dataset == "imagenet64" and linear is not None:
        parts.append(of_linear.linear(linear, linear_tests["against"].iloc[0], decays or {}))
    if dataset == "mnist" and pair is not None:
        parts.append(of_linear.pair(pair))
    if dataset == "mnist" and fooling is not None:
        parts.append(of_goodfellow.networks(fooling, rubbish, published, published_as))
    if dataset == "mnist" and elites is not None:
        parts.append(of_nguyen.confidence(elites, network))
    return beside(published, pd.concat(parts))
