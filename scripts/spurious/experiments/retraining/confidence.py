"""The table of how sure the nets are of noise, over the seeds."""

import numpy as np
import pandas as pd

from spurious.experiments.retraining.persistence import NET
from spurious.experiments.retraining.verdicts import rates
from spurious.frames import require

CONFIDENT = 0.95  # as Hein et al. (2019) count
TRUE_POSITIVES = 0.95
NOISE = [*NET, "noise", "epsilon"]


def retraining_noise(rows: pd.DataFrame) -> pd.DataFrame:
    """How sure each net is of each noise: a row per (classifier, negatives, target, round, noise, epsilon).

    `rows`: these and `seed, image, confidence`, the largest probability of a real class; those of the noise "test" are
    test images. Returns `seeds`, and `mean_confidence` with its standard deviation over the seeds, `auroc` (test images
    against the noise, by their confidence) and `fpr95` (the share of the noise that is accepted where at least 95 % of
    the test images are), means over the seeds; `confident_n, confident_share, confident_low, confident_high`: the share
    of the noise above .95.
    """
    require(rows, [*NOISE, "seed", "image", "confidence"], "rows of noise")
    rows = rows.drop_duplicates().reset_index(drop=True)
    noise = rows[rows["noise"] != "test"]
    test = {key: own["confidence"].to_numpy() for key, own in rows[rows["noise"] == "test"].groupby([*NET, "seed"])}
    measured = []
    for key, own in noise.groupby([*NOISE, "seed"], sort=False):
        seen = own["confidence"].to_numpy()
        real = test[(*key[: len(NET)], key[-1])]
        columns = {"mean_confidence": seen.mean(), "auroc": auroc(real, seen), "fpr95": false_positives(real, seen)}
        measured.append(dict(zip([*NOISE, "seed"], key, strict=True)) | columns)
    groups = pd.DataFrame(measured).groupby(NOISE, sort=False)
    table = groups[["mean_confidence", "auroc", "fpr95"]].mean()
    table.insert(0, "seeds", groups.size())
    table.insert(2, "mean_confidence_sd", groups["mean_confidence"].std())
    outcomes = noise.assign(outcome=noise["confidence"] > CONFIDENT)
    shares = rates(outcomes, NOISE, "confident", ["seed", "image"])
    return table.reset_index().merge(shares, on=NOISE, validate="one_to_one")


def auroc(real: np.ndarray, noise: np.ndarray) -> float:
    """The probability that a real image's confidence is the higher one, ties counted by half."""
    order = np.sort(noise)
    below, upto = (np.searchsorted(order, real, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(noise))


def false_positives(real: np.ndarray, noise: np.ndarray) -> float:
    """The share of the noise at or above the highest threshold that at least 95 % of the real images reach."""
    allowed = int(np.floor((1 - TRUE_POSITIVES) * len(real) + 1e-9))
    return float((noise >= np.sort(real)[allowed]).mean())
