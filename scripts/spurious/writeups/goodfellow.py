"""Numbers of Goodfellow et al. 2014, from rows of fooling."""

from collections.abc import Iterator, Mapping

import pandas as pd

from spurious.experiments.fooling.rubbish import REAL
from spurious.rates import RUBBISH_THRESHOLD, mean_over_seeds, over_seeds
from spurious.statistics.intervals import mean_interval
from spurious.writeups.reproduced import COLUMNS, reproduced_row

SOURCE = "Goodfellow et al. 2014"
UNCLAMPED = "fgsm-unclamped"  # their method
EPSILON = 0.25
ATTACK = f"fast gradient sign, ε {EPSILON}, not clipped"
NOISE = "N(0, I) inputs"
SURE = f"p > {RUBBISH_THRESHOLD}"


def networks(
    fooling_rows: pd.DataFrame, rubbish_rows: pd.DataFrame, published: pd.DataFrame, published_as: Mapping[str, str]
) -> pd.DataFrame:
    """Those numbers of `goodfellow` that were published, of every network that `published_as` names: COLUMNS.

    It gives the classifiers of the rows the names of `published`, which has `source, quantity, setting`.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    for network in dict.fromkeys(published_as.values()):
        names = [name for name, other in published_as.items() if other == network]
        own = (rows[rows["classifier"].isin(names)] for rows in (fooling_rows, rubbish_rows))
        parts.append(goodfellow(*own, network))
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    key = ["source", "quantity", "setting"]
    return found.merge(published[key].drop_duplicates(), on=key)[COLUMNS]


def goodfellow(fooling_rows: pd.DataFrame, rubbish_rows: pd.DataFrame, network: str) -> pd.DataFrame:
    """What Goodfellow et al. 2014 published of a network on MNIST, from the rows of one classifier: COLUMNS.

    Means over the seeds, with their intervals (`spurious.rates`): error rate and mean confidence (the largest p of the
    errors) under the method UNCLAMPED, the share of inputs from N(0, I) with a p above RUBBISH_THRESHOLD and the mean
    of these p, and the mean confidence in test images that nobody changed. Nothing of what has no rows.
    """
    found = [*_unclamped(fooling_rows), *_noise(rubbish_rows), *_unchanged(rubbish_rows)]
    rows = [reproduced_row(SOURCE, quantity, f"MNIST, {network}, {of}", *numbers) for quantity, of, *numbers in found]
    return pd.DataFrame(rows, columns=COLUMNS)


Found = tuple[str, str, float, float, float, int]  # quantity, setting, mean, low, high, n


def _unclamped(rows: pd.DataFrame) -> Iterator[Found]:
    own = rows[rows["method"] == UNCLAMPED]
    if len(own):
        wrong = own["predicted"] != own["label"]
        error = over_seeds(wrong, own["seed"], own["id"])
        yield "error rate", ATTACK, error.rate, error.low, error.high, error.n
        if wrong.any():
            yield "mean confidence", ATTACK, *_mean_over_seeds(own[wrong]), int(wrong.sum())


def _mean_over_seeds(rows: pd.DataFrame) -> tuple[float, float, float]:
    """The mean over the seeds of p with its interval: t over the seeds, and the mean interval of t over the images."""
    per_seed = [mean_interval(own["p"]) for _, own in rows.groupby("seed")]
    return mean_over_seeds(*zip(*((mean, low, high) for mean, _, low, high in per_seed), strict=True))


def _noise(rows: pd.DataFrame) -> Iterator[Found]:
    own = rows[rows["kind"] == "normal"]
    if len(own):
        sure = own["p"] > RUBBISH_THRESHOLD
        share = over_seeds(sure, own["seed"], pd.Series(range(len(own))))
        yield f"share of rubbish inputs with {SURE}", NOISE, share.rate, share.low, share.high, share.n
        if sure.any():
            yield "mean confidence", f"{NOISE} with {SURE}", *_mean_over_seeds(own[sure]), int(sure.sum())


def _unchanged(rows: pd.DataFrame) -> Iterator[Found]:
    own = rows[rows["kind"] == REAL]
    if len(own):
        yield "mean confidence", "no attack", *_mean_over_seeds(own), len(own)
