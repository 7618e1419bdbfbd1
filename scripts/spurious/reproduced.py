"""This run's tables in the words of workflow/resources/published.csv, to stand beside the published numbers."""

from collections.abc import Mapping

import pandas as pd

from spurious import fooling_table
from spurious.errors import SpuriousError
from spurious.smoothing_comparison import in_long_form

COLUMNS = ["source", "quantity", "setting", "reproduced", "low", "high", "n"]
SMOOTHING = "smoothing write-up"
LINEAR = "linear write-up"
GOODFELLOW = "Goodfellow et al. 2014"
IMAGENET = "ImageNet 64x64, linear classifier"
SOFTMAX = "softmax regression"
PAIR = "3, 7"
EPSILON = 0.25
TOY = {"ten-dimensional toy, before": 4, "ten-dimensional toy, x + 0.5 w": 2}  # published decimals of p
QUANTITIES = {
    "acc_ns": "accuracy, no smoothing",
    "acc_ss": "accuracy, single smoothing",
    "acc_ds": "accuracy, double smoothing",
    "acc_maj": "accuracy, majority of the accepted",
    "reject_rate": "reject rate",
}


def smoothing(
    summary: pd.DataFrame, numbers: pd.DataFrame, *, dataset: str, published_as: Mapping[str, str]
) -> pd.DataFrame:
    """The rates of smoothing.csv that the write-up has: COLUMNS, a row per rate.

    `summary` holds the rows of one or several classifiers, `published_as` the name in the write-up of those that it
    is about, `numbers` the published numbers: a setting (dataset, classifier, taps, sigma) that none of them is about
    is left out. n is the rate's own number of images, for the majority the accepted ones. Raises SpuriousError where
    two classifiers claim one name, and for a name that the write-up does not know, though it knows the dataset.
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
    names = list(published_as.values())
    known = {setting.split(", ")[1] for setting in settings if setting.startswith(f"{dataset}, ")}
    for classifier, name in published_as.items():
        if names.count(name) > 1:
            raise SpuriousError(f"published_as: {name!r} stands for several classifiers; keep it at one of them")
        if known and name not in known:
            raise SpuriousError(
                f"{classifier}.published_as: nobody published numbers of {name!r} on {dataset};"
                f" use {' or '.join(sorted(known))}, or leave the key out"
            )


def toy(table: pd.DataFrame) -> pd.DataFrame:
    """Scores and probabilities of the table `linear-toy`: COLUMNS.

    low and high leave room for the rounding of the published number, to two or four decimals.
    """
    rows = []
    for (setting, digits), row in zip(TOY.items(), table.itertuples(), strict=True):
        rows.append(_row(LINEAR, "score of class 1", setting, row.score, row.score, row.score))
        half = 0.5 * 10**-digits
        rows.append(_row(LINEAR, "probability of class 1", setting, row.p, row.p - half, row.p + half))
    return pd.DataFrame(rows, columns=COLUMNS)


def linear(table: pd.DataFrame, best: float) -> pd.DataFrame:
    """The write-up's numbers of ImageNet at 64x64, from the table `linear`: COLUMNS, of the first seed.

    `best` is the weight decay that was chosen on the validation split; the highest and the lowest one stand for the
    write-up's high and very low regularization.
    """
    first = table[table["seed"].astype(str) == str(table["seed"].iloc[0])].set_index("weight_decay")
    names = {"best": best, "high regularization": first.index.max(), "very low regularization": first.index.min()}
    rows = [
        _row(LINEAR, "top-1 accuracy", f"{IMAGENET}, {name}", *first.loc[decay, ["accuracy", "low", "high", "n"]])
        for name, decay in names.items()
    ]
    loss = first["initial_loss"].iloc[0]
    rows.append(_row(LINEAR, "initial loss", f"{IMAGENET}, 1000 classes", loss, loss - 0.05, loss + 0.05))
    return pd.DataFrame(rows, columns=COLUMNS)


def pair(table: pd.DataFrame) -> pd.DataFrame:
    """The error of a logistic regression on 3 against 7, from the table `linear-pair` of MNIST: COLUMNS, first seed."""
    own = table[(table["classes"] == PAIR) & (table["seed"].astype(str) == str(table["seed"].iloc[0]))]
    rows = []
    for row in own.itertuples():
        if row.attack == "none" or (row.attack == "fast gradient sign" and row.epsilon == EPSILON):
            attack = "no attack" if row.attack == "none" else f"fast gradient sign, eps {EPSILON}, not clipped"
            setting = f"MNIST 3 against 7, logistic regression, {attack}"
            rows.append(_row(GOODFELLOW, "error rate", setting, row.error, row.low, row.high, row.n))
    return pd.DataFrame(rows, columns=COLUMNS)


def fooling(rows: pd.DataFrame, rubbish: pd.DataFrame, *, published_as: Mapping[str, str]) -> pd.DataFrame:
    """Error, confidence and rubbish of the softmax regression on MNIST, from rows per image: COLUMNS, first seed.

    `published_as` says which classifier of the rows it is; without one there is nothing to compare.
    """
    names = [name for name, published in published_as.items() if published == SOFTMAX]
    own = [frame[frame["classifier"].isin(names)] for frame in (rows, rubbish)]
    found = fooling_table.goodfellow(*own)
    attack = f"MNIST, {SOFTMAX}, fast gradient sign, eps {EPSILON}, not clipped"
    noise = found["quantity"].str.startswith("share of rubbish")
    setting = noise.map({True: f"MNIST, {SOFTMAX}, N(0, I) inputs", False: attack})
    return found.assign(source=GOODFELLOW, setting=setting)[COLUMNS]


def _row(
    source: str, quantity: str, setting: str, reproduced: float, low: float, high: float, n: float | None = None
) -> dict[str, object]:
    return dict(zip(COLUMNS, (source, quantity, setting, reproduced, low, high, n), strict=True))
