"""The table of how often every method fools a classifier by its gradient; needs no torch."""

import pandas as pd

from spurious.frames import require
from spurious.rates import of_images, over_seeds

METHOD = ["classifier", "method", "start", "goal", "norm", "epsilon", "steps", "clamp"]
COLUMNS = [
    *METHOD,
    *("seed", "n", "success", "low", "high", "sd", "control", "control_low", "control_high", "confidence"),
    *("l2_median", "linf_median", "error_n", "error", "error_low", "error_high", "error_confidence", "seeds"),
]


def fooling(rows: pd.DataFrame) -> pd.DataFrame:
    """How often and how surely every method fools: a row per (classifier, method, seed), and one with seed "all".

    `rows`: METHOD, `seed, id, label, target, clean_predicted, predicted, p, l2, linf, control_predicted` per image.
    Returns COLUMNS. `success`: of the `n` images that the classifier got right before (of noise: of all), the share
    that it gives to the target (targeted) or no longer to the label (untargeted), with Wilson's 95 % interval;
    `control` is the same for a random change of the same size (from noise: for it as it is). `confidence` is the mean p
    of the predicted class among the successes, `l2_median` and `linf_median` the size of the change of the n images.
    `error` counts all `error_n` images, those that were wrong before too: the share that is not given to its label, and
    the mean p of what it is given to (Goodfellow et al. 2014); noise has no label, and no error. In a row "all",
    shares, confidences and medians are means over the `seeds`, n and error_n count the images of all, and the bounds
    are of both, seeds and images (`spurious.rates.over_seeds`): the seeds share their test images, noise is each seed's
    own.
    """
    needed = ["id", "label", "target", "clean_predicted", "predicted", "p", "l2", "linf", "control_predicted"]
    require(rows, [*METHOD, "seed", *needed], "fooling rows")
    table = []
    for key, own in rows.groupby(METHOD, sort=False):
        per_seed = [{"seed": seed, "seeds": 1, **_rates(group)} for seed, group in own.groupby("seed", sort=False)]
        identification = dict(zip(METHOD, key, strict=True))
        table += [identification | row for row in [*per_seed, _over_seeds(own, pd.DataFrame(per_seed))]]
    return pd.DataFrame(table, columns=COLUMNS)


def _rates(rows: pd.DataFrame) -> dict[str, float]:
    """The rates of one method and seed."""
    counted = _counted(rows)
    success, control = _succeeded(counted, "predicted"), _succeeded(counted, "control_predicted")
    labelled, wrong = _wrong(rows)
    return {
        "n": len(counted),
        **of_images(success).columns("success"),
        **of_images(control).columns("control", "control_"),
        "confidence": counted.loc[success, "p"].mean(),
        "l2_median": counted["l2"].median(),
        "linf_median": counted["linf"].median(),
        "error_n": len(labelled),
        **of_images(wrong).columns("error", "error_"),
        "error_confidence": labelled.loc[wrong, "p"].mean(),
    }


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    """The images that the classifier got right before; of noise all."""
    return rows[rows["label"].isna() | (rows["clean_predicted"] == rows["label"])]


def _wrong(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The images that have a label, and which of them are not given to it."""
    labelled = rows[rows["label"].notna()]
    return labelled, labelled["predicted"] != labelled["label"]


def _succeeded(rows: pd.DataFrame, predicted: str) -> pd.Series:
    """Whether the column `predicted` is what the method wants, as bool."""
    if rows["goal"].eq("targeted").all():
        return rows[predicted] == rows["target"]
    return rows[predicted] != rows["label"]


def _over_seeds(rows: pd.DataFrame, per_seed: pd.DataFrame) -> dict[str, object]:
    """The row "all": means over the seeds, of rates with the interval over seeds and images."""
    counted = _counted(rows)
    row = {"seed": "all", "seeds": len(per_seed), "n": len(counted)}
    for name, prefix, (images, hits) in (
        ("success", "", (counted, _succeeded(counted, "predicted"))),
        ("control", "control_", (counted, _succeeded(counted, "control_predicted"))),
        ("error", "error_", _wrong(rows)),
    ):
        inputs = images["id"] if rows["start"].iloc[0] == "image" else pd.Series(range(len(images)))
        share = over_seeds(hits, images["seed"], inputs)
        row |= share.columns(name, prefix)
        row |= {"sd": share.sd} if name == "success" else {}
        row |= {"error_n": share.n} if name == "error" else {}
    means = ["confidence", "l2_median", "linf_median", "error_confidence"]
    return row | per_seed[means].mean().to_dict()
