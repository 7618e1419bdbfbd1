"""The table of accuracies of the trained classifiers."""

import pandas as pd

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import of_images, over_seeds
from spurious.statistics.chance import largest_share

COLUMNS = ["classifier", "seed", "n", "accuracy", "low", "high", "sd", "validation_accuracy", "largest_class", "seeds"]


def classifiers(predictions: pd.DataFrame) -> pd.DataFrame:
    """How well every trained classifier does.

    `predictions`: `classifier, seed, split, id, label, predicted` per image, of the splits test and validation.
    Returns `classifier, seed, n, accuracy, low, high, sd, validation_accuracy, largest_class, seeds`: a row per seed on
    the test split with its Wilson 95 % interval, and a row with seed "all", where accuracy and validation_accuracy are
    means over the `seeds`, sd tells how these differ, n counts the images judged over all of them, and low and high
    are of both, seeds and images (`spurious.rates.over_seeds`). `largest_class` is the share of the most frequent class
    of the test split, which a constant answer reaches.
    """
    require(predictions, ["classifier", "seed", "split", "id", "label", "predicted"], "predictions")
    rows = []
    for classifier, own in predictions.groupby("classifier"):
        per_seed = [_classifier_row(classifier, seed, group) for seed, group in own.groupby("seed")]
        test = own[own["split"] == "test"]
        share = over_seeds(test["predicted"] == test["label"], test["seed"], test["id"])
        overall = {"classifier": classifier, "seed": "all", "n": share.n, "sd": share.sd, **share.columns("accuracy")}
        overall["validation_accuracy"] = pd.Series([row["validation_accuracy"] for row in per_seed]).mean()
        rows += [*per_seed, {**overall, "largest_class": per_seed[0]["largest_class"], "seeds": share.seeds}]
    return pd.DataFrame(rows, columns=COLUMNS)


def _classifier_row(classifier: str, seed: int, predictions: pd.DataFrame) -> dict[str, object]:
    correct = predictions["predicted"] == predictions["label"]
    test = correct[predictions["split"] == "test"]
    if test.empty:
        raise SpuriousError(f"predictions: no row of the split test for {classifier}, seed {seed}")
    own = {"classifier": classifier, "seed": seed, "seeds": 1, "n": len(test), **of_images(test).columns("accuracy")}
    own["validation_accuracy"] = correct[predictions["split"] == "validation"].mean()
    return own | {"largest_class": largest_share(predictions.loc[predictions["split"] == "test", "label"])}
