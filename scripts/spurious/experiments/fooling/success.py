"""The table of how often every method fools a classifier by its gradient; needs no torch."""

import pandas as pd

from spurious.frames import require
from spurious.rates import interval
from spurious.statistics.intervals import mean_interval

METHOD = ["classifier", "method", "start", "goal", "norm", "epsilon", "steps", "clamp"]
COLUMNS = [
    *METHOD,
    *("seed", "n", "success", "low", "high", "sd", "control", "control_low", "control_high", "confidence"),
    *("l2_median", "linf_median", "error_n", "error", "error_low", "error_high", "error_confidence"),
]


def fooling(rows: pd.DataFrame) -> pd.DataFrame:
    """How often and how surely every method fools: a row per (classifier, method, seed), and one with seed "all".

    `rows`: METHOD, `seed, label, target, clean_predicted, predicted, p, l2, linf, control_predicted` per image.
    Returns COLUMNS. `success`: of the `n` images that the classifier got right before (of noise: of all), the share
    that it gives to the target (targeted) or no longer to the label (untargeted), with Wilson's 95 % interval;
    `control` is the same for a random change of the same size. `confidence` is the mean p of the predicted class among
    the successes, `l2_median` and `linf_median` the size of the change of the n images. `error` counts all `error_n`
    images, those that were wrong before too: the share that is not given to its label, and the mean p of what it is
    given to (Goodfellow et al. 2014); noise has no label, and no error. In a row "all", shares, confidences and medians
    are means over the seeds, the bounds tell how the seeds differ (t interval), n and error_n count the images of all.
    """
    needed = ["label", "target", "clean_predicted", "predicted", "p", "l2", "linf", "control_predicted"]
    require(rows, [*METHOD, "seed", *needed], "fooling rows")
    table = []
    for key, own in rows.groupby(METHOD, sort=False):
        per_seed = [{"seed": seed, **_rates(group)} for seed, group in own.groupby("seed", sort=False)]
        identification = dict(zip(METHOD, key, strict=True))
        table += [identification | row for row in [*per_seed, _over_seeds(pd.DataFrame(per_seed))]]
    return pd.DataFrame(table, columns=COLUMNS)


def _rates(rows: pd.DataFrame) -> dict[str, float]:
    """The rates of one method and seed."""
    counted = rows[rows["label"].isna() | (rows["clean_predicted"] == rows["label"])]
    success, control = _succeeded(counted, "predicted"), _succeeded(counted, "control_predicted")
    labelled = rows[rows["label"].notna()]
    wrong = labelled["predicted"] != labelled["label"]
    return {
        "n": len(counted),
        **share_with_interval(success, "success", ""),
        **share_with_interval(control, "control", "control_"),
        "confidence": counted.loc[success, "p"].mean(),
        "l2_median": counted["l2"].median(),
        "linf_median": counted["linf"].median(),
        "error_n": len(labelled),
        **share_with_interval(wrong, "error", "error_"),
        "error_confidence": labelled.loc[wrong, "p"].mean(),
    }


def _succeeded(rows: pd.DataFrame, predicted: str) -> pd.Series:
    """Whether the column `predicted` is what the method wants, as bool."""
    if rows["goal"].eq("targeted").all():
        return rows[predicted] == rows["target"]
    return rows[predicted] != rows["label"]


def share_with_interval(hits: pd.Series, name: str, prefix: str) -> dict[str, float]:
    """The share of hits with Wilson's interval."""
    low, high = interval(hits.sum(), len(hits))
    return {name: hits.mean() if len(hits) else float("nan"), f"{prefix}low": low, f"{prefix}high": high}


def _over_seeds(per_seed: pd.DataFrame) -> dict[str, object]:
    """The row "all": means over the seeds with their t intervals."""
    row = {"seed": "all", "n": per_seed["n"].sum(), "error_n": per_seed["error_n"].sum()}
    for name, prefix in (("success", ""), ("control", "control_"), ("error", "error_")):
        row[name], sd, low, high = mean_interval(per_seed[name])
        row |= {f"{prefix}low": max(low, 0.0), f"{prefix}high": min(high, 1.0)}
        row |= {"sd": sd} if name == "success" else {}
    means = ["confidence", "l2_median", "linf_median", "error_confidence"]
    return row | per_seed[means].mean().to_dict()
