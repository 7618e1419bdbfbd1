"""The table of accuracies of the trained classifiers."""

import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import interval
from spurious.statistics.chance import largest_share
from spurious.statistics.intervals import mean_interval


def classifiers(predictions: pd.DataFrame) -> pd.DataFrame:
    """How well every trained classifier does.

    `predictions`: `classifier, seed, split, label, predicted` per image, of the splits test and validation.
    Returns `classifier, seed, n, accuracy, low, high, sd, validation_accuracy, largest_class`: a row per seed on the
    test split with its Wilson 95 % interval, and a row with seed "all", where accuracy and validation_accuracy are
    means over the seeds and low, high and sd tell how the seeds differ (t interval). `largest_class` is the share of
    the most frequent class of the test split, which a constant answer reaches.
    """
    require(predictions, ["classifier", "seed", "split", "label", "predicted"], "predictions")
    rows = []
    for classifier, own in predictions.groupby("classifier"):
        per_seed = [_classifier_row(classifier, seed, group) for seed, group in own.groupby("seed")]
        mean, sd, low, high = mean_interval([row["accuracy"] for row in per_seed])
        overall = {"classifier": classifier, "seed": "all", "n": per_seed[0]["n"], "accuracy": mean}
        validation = pd.Series([row["validation_accuracy"] for row in per_seed]).mean()
        overall |= {"low": low, "high": high, "sd": sd, "validation_accuracy": validation}
        rows += [*per_seed, {**overall, "largest_class": per_seed[0]["largest_class"]}]
    columns = ["classifier", "seed", "n", "accuracy", "low", "high", "sd", "validation_accuracy", "largest_class"]
    return pd.DataFrame(rows, columns=columns)


def _classifier_row(classifier: str, seed: int, predictions: pd.DataFrame) -> dict[str, object]:
    correct = predictions["predicted"] == predictions["label"]
    test = correct[predictions["split"] == "test"]
    if test.empty:
        raise SpuriousError(f"predictions: no row of the split test for {classifier}, seed {seed}")
    low, high = interval(test.sum(), len(test))
    validation = correct[predictions["split"] == "validation"].mean()
    own = {"classifier": classifier, "seed": seed, "n": len(test), "accuracy": test.mean()}
    own |= {"low": low, "high": high, "validation_accuracy": validation}
    return {**own, "largest_class": largest_share(predictions.loc[predictions["split"] == "test", "label"])}
