"""The table of the linear classifiers: accuracy, smoothness and resistance as regularization grows."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.errors import SpuriousError
from spurious.experiments.linear import templates
from spurious.frames import Arrays, held_out, require
from spurious.rates import RUBBISH_THRESHOLD, mean_over_seeds, of_images, over_seeds
from spurious.statistics.bootstrap import bootstrap_median, draws

NEAREST = ("l2_nearest", "linf_nearest", "l2_image", "linf_image")
COLUMNS = [
    *("weight_decay", "seed", "split", "n", "accuracy", "low", "high", "sd", "validation_accuracy", "train_accuracy"),
    *("total_variation", "weight_norm", "steps_n", "l2_median", "l2_low", "l2_high", "linf_median", "linf_low"),
    *("linf_high", "linf_smallest_median", "initial_loss", "loss"),
    *("fgsm_error", "fgsm_low", "fgsm_high", "fgsm_confidence", "rubbish_n", "rubbish_share", "rubbish_low"),
    *("rubbish_high", "seeds", "right_n"),
    *(f"{name}_{value}" for name in NEAREST for value in ("median", "low", "high")),
]
MEANS = ("validation_accuracy", "train_accuracy", "total_variation", "weight_norm", "linf_smallest_median")
MEANS += ("initial_loss", "loss", "fgsm_confidence")
OUTCOME = ["seed", "weight_decay", "split", "id", "label", "predicted"]


def linear(
    predictions: pd.DataFrame, steps: Sequence[Arrays], weights: Sequence[Arrays], history: pd.DataFrame
) -> pd.DataFrame:
    """Every softmax regression of the sweep: a row per (weight_decay, seed), and one with seed "all".

    `predictions`: `seed, weight_decay, split, id, label, predicted`; `history`: `seed, step, weight_decay, loss`; of
    every seed `steps`: `seed, weight_decays (decays,), l2, linf, linf_smallest (decays, images, classes), l2_image,
    linf_image, right, fgsm_wrong, fgsm_p (decays, images), rubbish_p (decays, inputs)`, and `weights`: `seed,
    weight_decays, weight (decays, classes, C, H, W)`. Returns COLUMNS: accuracy on the held-out `split` with its Wilson
    95 % interval; `total_variation` as mean over the classes; `weight_norm` of all weights; medians of the smallest
    steps over `steps_n` images and all targets, their 95 % intervals by bootstrap over images; under the fast gradient
    sign method the share of these images that is wrong (Wilson), and the mean p of what they are classified as; of
    `rubbish_n` inputs from N(0, I) the share with a p above RUBBISH_THRESHOLD (Wilson). Of the `right_n` images that
    are right before, `l2_nearest` and `linf_nearest` are the smallest steps over all targets, `l2_image` and
    `linf_image` the smallest that keep every pixel in [0, 1].
    In a row "all" everything is a mean over the `seeds`, sd tells how their accuracies differ, n, steps_n, rubbish_n
    and right_n count what all of them judged, and the bounds are of both, seeds and images: those of rates by
    `spurious.rates.over_seeds`, those of medians of the seeds' t interval and the mean bootstrap interval.
    """
    require(predictions, OUTCOME, "predictions")
    require(history, ["seed", "step", "weight_decay", "loss"], "history")
    measured = {}
    for seed in sorted(predictions["seed"].unique()):
        own = {"steps": _of_seed(steps, seed, "steps"), "weights": _of_seed(weights, seed, "weights")}
        rows = predictions[predictions["seed"] == seed], history[history["seed"] == seed]
        for row in _seed_rows(*rows, **own):
            measured.setdefault(row["weight_decay"], []).append({"seed": seed, **row})
    table = []
    for decay, rows in sorted(measured.items()):
        own = predictions[(predictions["weight_decay"] == decay) & (predictions["split"] == rows[0]["split"])]
        files = [_of_seed(steps, row["seed"], "steps") for row in rows]
        table += [*rows, _overall(rows) | _rates_over_seeds(own, files, decay)]
    return pd.DataFrame(table, columns=COLUMNS)


def _of_seed(files: Sequence[Arrays], seed: int, name: str) -> Arrays:
    found = [file for file in files if file["seed"] == seed]
    if len(found) != 1:
        raise SpuriousError(f"{name}: {len(found)} files are of seed {seed}, of which there are predictions; give one")
    return found[0]


def _seed_rows(predictions: pd.DataFrame, history: pd.DataFrame, steps: Arrays, weights: Arrays) -> list[dict]:
    split = held_out(predictions["split"])
    resampled = draws(steps["l2"].shape[1])
    predictions = predictions.assign(correct=predictions["predicted"] == predictions["label"])
    rows = []
    for place, decay in enumerate(decays_of(weights)):
        own, course = (frame[frame["weight_decay"] == decay] for frame in (predictions, history))
        template, attacked = weights["weight"][place], decays_of(steps).index(decay)
        row = {"weight_decay": decay, "split": split, "seeds": 1, **_accuracies(own, split)}
        row["total_variation"] = float(np.nanmean(templates.total_variation(template)))
        row["weight_norm"] = float(np.linalg.norm(template))
        row |= _steps(steps, attacked, resampled) | _nearest(steps, attacked, resampled) | _attack(steps, attacked)
        losses = course.sort_values("step")["loss"]
        rows.append({**row, "initial_loss": losses.iloc[0], "loss": losses.iloc[-1]})
    return rows


def _rates_over_seeds(predictions: pd.DataFrame, steps: Sequence[Arrays], decay: float) -> dict[str, float]:
    """The rates of one weight decay over the seeds; these share the test images, noise is each seed's own."""
    places = [decays_of(file).index(decay) for file in steps]
    wrong = _long([file["fgsm_wrong"][place] for file, place in zip(steps, places, strict=True)])
    rubbish = _long([file["rubbish_p"][place] > RUBBISH_THRESHOLD for file, place in zip(steps, places, strict=True)])
    accuracy = over_seeds(predictions["predicted"] == predictions["label"], predictions["seed"], predictions["id"])
    error = over_seeds(wrong["outcome"], wrong["seed"], wrong["place"])
    noise = over_seeds(rubbish["outcome"], rubbish["seed"], pd.Series(rubbish.index))
    row = {"sd": accuracy.sd, "n": accuracy.n, "seeds": accuracy.seeds, "steps_n": error.n, "rubbish_n": noise.n}
    row |= accuracy.columns("accuracy") | error.columns("fgsm_error", "fgsm_")
    return row | noise.columns("rubbish_share", "rubbish_")


def _long(outcomes: Sequence[NDArray]) -> pd.DataFrame:
    """The outcomes (images,) of every seed, one in a row: `outcome, seed, place`."""
    parts = [
        pd.DataFrame({"outcome": own, "seed": seed, "place": range(len(own))}) for seed, own in enumerate(outcomes)
    ]
    return pd.concat(parts, ignore_index=True)


def decays_of(arrays: Arrays) -> list[float]:
    """The weight decays of a file, rounded as those of the rows."""
    return [float(f"{decay:.7g}") for decay in arrays["weight_decays"]]


def _accuracies(predictions: pd.DataFrame, split: str) -> dict[str, float]:
    correct = dict(iter(predictions.groupby("split")["correct"]))
    row = {"n": len(correct[split]), **of_images(correct[split]).columns("accuracy")}
    for name in ("validation", "train"):
        row[f"{name}_accuracy"] = correct[name].mean() if name in correct else math.nan
    return row


def _steps(steps: Arrays, place: int, resampled: NDArray) -> dict[str, float]:
    row = {"steps_n": steps["l2"].shape[1]}
    for name in ("l2", "linf"):
        row |= _median(name, steps[name][place], resampled)
    return {**row, "linf_smallest_median": float(np.nanmedian(steps["linf_smallest"][place]))}


def _nearest(steps: Arrays, place: int, resampled: NDArray) -> dict[str, float]:
    """Medians, with their intervals, of the sizes of the images that are right before."""
    right = steps["right"][place].astype(bool)
    row = {"right_n": int(right.sum())}
    for name, source in (("l2_nearest", "l2"), ("linf_nearest", "linf_smallest"), *((n, n) for n in NEAREST[2:])):
        sizes = steps[source][place]
        smallest = sizes if sizes.ndim == 1 else np.fmin.reduce(sizes, axis=1)
        row |= _median(name, np.where(right, smallest, np.nan)[:, None], resampled)
    return row


def _median(name: str, sizes: NDArray, resampled: NDArray) -> dict[str, float]:
    """The median of sizes (images, targets) that are not nan, with its interval; nan where all are."""
    low, high, median = (math.nan,) * 3
    if not np.isnan(sizes).all():
        median, (low, high) = float(np.nanmedian(sizes)), bootstrap_median(sizes, resampled)
    return {f"{name}_median": median, f"{name}_low": low, f"{name}_high": high}


def _attack(steps: Arrays, place: int) -> dict[str, float]:
    wrong, p, rubbish = (steps[name][place] for name in ("fgsm_wrong", "fgsm_p", "rubbish_p"))
    row = of_images(wrong).columns("fgsm_error", "fgsm_")
    row["fgsm_confidence"] = p[wrong].mean() if wrong.any() else math.nan
    share = of_images(rubbish > RUBBISH_THRESHOLD)
    return row | {"rubbish_n": share.n, **share.columns("rubbish_share", "rubbish_")}


def _overall(rows: list[dict]) -> dict[str, object]:
    """The means over the seeds of one weight decay; its rates come from `_rates_over_seeds`."""
    frame = pd.DataFrame(rows)
    row = {"seed": "all"} | {name: frame[name].iloc[0] for name in ("weight_decay", "split")}
    row["right_n"] = frame["right_n"].sum()
    for name in ("l2", "linf", *NEAREST):
        median, low, high = mean_over_seeds(*(frame[f"{name}_{part}"] for part in ("median", "low", "high")))
        row |= {f"{name}_median": median, f"{name}_low": low, f"{name}_high": high}
    return {**row, **frame[[*MEANS]].mean()}
