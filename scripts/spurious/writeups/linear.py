"""This run's numbers in the words of the write-up on linear classifiers."""

from collections.abc import Mapping

import pandas as pd

from spurious.writeups.goodfellow import EPSILON
from spurious.writeups.goodfellow import SOURCE as GOODFELLOW
from spurious.writeups.reproduced import COLUMNS, reproduced_row

LINEAR = "linear write-up"
IMAGENET = "ImageNet 64x64, linear classifier"
FIRST_LOSS = f"{IMAGENET}, 1000 classes"
PAIR = "3, 7"
TOY = ("ten-dimensional toy, before", "ten-dimensional toy, x + 0.5 w")


def toy(table: pd.DataFrame) -> pd.DataFrame:
    """Scores and probabilities of the table `linear-toy`: COLUMNS; nothing is sampled, low and high are the number."""
    rows = []
    for setting, row in zip(TOY, table.itertuples(), strict=True):
        rows.append(reproduced_row(LINEAR, "score of class 1", setting, row.score, row.score, row.score))
        rows.append(reproduced_row(LINEAR, "probability of class 1", setting, row.p, row.p, row.p))
    return pd.DataFrame(rows, columns=COLUMNS)


def start(table: pd.DataFrame) -> pd.DataFrame:
    """The first losses of 1000 classes from the table `linear-start` of the sample photographs: COLUMNS, over draws.

    They depend on the size of the pixels and weights, hardly on the images: the write-up's were of all of ImageNet.
    """
    losses = table.set_index("start")[["floored", "low", "high", "n"]]
    settings = {"sensible": FIRST_LOSS, "usual": f"{FIRST_LOSS}, weights of std .01, pixels of 0 to 255"}
    rows = [reproduced_row(LINEAR, "initial loss", setting, *losses.loc[name]) for name, setting in settings.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def linear(table: pd.DataFrame, best: float, decays: Mapping[str, float]) -> pd.DataFrame:
    """The write-up's numbers of ImageNet at 64x64, from the table `linear`: COLUMNS, over the seeds.

    `best` is the weight decay that was chosen on the validation split; `decays` those of the other regularizations, by
    the write-up's words.
    """
    overall = table[table["seed"].astype(str) == "all"].set_index("weight_decay")
    names = {"best": best, **decays}
    rows = [
        reproduced_row(
            LINEAR, "top-1 accuracy", f"{IMAGENET}, {name}", *overall.loc[decay, ["accuracy", "low", "high", "n"]]
        )
        for name, decay in names.items()
    ]
    loss = overall["initial_loss"].iloc[0]
    rows.append(reproduced_row(LINEAR, "initial loss", FIRST_LOSS, loss, loss, loss))
    return pd.DataFrame(rows, columns=COLUMNS)


def pair(table: pd.DataFrame) -> pd.DataFrame:
    """The error of a logistic regression on 3 against 7, over the seeds, from `linear-pair` of MNIST: COLUMNS."""
    own = table[(table["classes"] == PAIR) & (table["seed"].astype(str) == "all")]
    rows = []
    for row in own.itertuples():
        if row.attack == "none" or (row.attack == "fast gradient sign" and row.epsilon == EPSILON):
            attack = "no attack" if row.attack == "none" else f"fast gradient sign, ε {EPSILON}, not clipped"
            setting = f"MNIST 3 against 7, logistic regression, {attack}"
            rows.append(reproduced_row(GOODFELLOW, "error rate", setting, row.error, row.low, row.high, row.n))
    return pd.DataFrame(rows, columns=COLUMNS)
