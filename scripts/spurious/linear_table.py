"""The tables of the linear classifiers: accuracy, smoothness and resistance as regularization grows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious import templates
from spurious.bootstrap import draws, median_interval
from spurious.errors import SpuriousError
from spurious.statistics import holm, mcnemar_exact, mean_interval, paired_difference, wilson
from spurious.tables import SIGNIFICANCE, require

Arrays = Mapping[str, Any]  # the tensors of one file as arrays
COLUMNS = [
    *("weight_decay", "seed", "split", "n", "accuracy", "low", "high", "sd", "validation_accuracy", "train_accuracy"),
    *("total_variation", "weight_norm", "steps_n", "l2_median", "l2_low", "l2_high", "linf_median", "linf_low"),
    *("linf_high", "linf_smallest_median", "initial_loss", "loss"),
    *("fgsm_error", "fgsm_low", "fgsm_high", "fgsm_confidence", "rubbish_n", "rubbish_share", "rubbish_low"),
    "rubbish_high",
]
MEANS = ("validation_accuracy", "train_accuracy", "total_variation", "weight_norm", "linf_smallest_median")
MEANS += ("initial_loss", "loss", "fgsm_confidence")
SURE = 0.5  # above this p, noise counts as taken for something
OUTCOME = ["seed", "weight_decay", "split", "id", "label", "predicted"]


def held_out(splits: Iterable[str]) -> str:
    """The split that results are reported of: "test", or what else there is beside train and validation."""
    others = sorted(set(splits) - {"train", "validation"}, key=lambda name: name != "test")
    if not others:
        raise SpuriousError("there is no split to test on beside train and validation; add a split test to the data")
    return others[0]


def linear(
    predictions: pd.DataFrame, steps: Sequence[Arrays], weights: Sequence[Arrays], history: pd.DataFrame
) -> pd.DataFrame:
    """Every softmax regression of the sweep: a row per (weight_decay, seed), and one with seed "all".

    `predictions`: `seed, weight_decay, split, id, label, predicted`; `history`: `seed, step, weight_decay, loss`; of
    every seed `steps`: `seed, weight_decays (decays,), l2, linf, linf_smallest (decays, images, classes), fgsm_wrong,
    fgsm_p (decays, images), rubbish_p (decays, inputs)`, and `weights`: `seed, weight_decays, weight (decays, classes,
    C, H, W)`. Returns COLUMNS: accuracy on the held-out `split` with its Wilson 95 % interval; `total_variation` as
    mean over the classes; `weight_norm` of all weights; medians of the smallest steps over `steps_n` images and all
    targets, their 95 % intervals by bootstrap over images; under the fast gradient sign method the share of these
    images that is wrong (Wilson), and the mean p of what they are taken for; of `rubbish_n` inputs from N(0, I) the
    share with a p above SURE (Wilson).
    In a row "all" everything is a mean over the seeds, and low, high and sd tell how these differ (t interval).
    """
    require(predictions, OUTCOME, "predictions")
    require(history, ["seed", "step", "weight_decay", "loss"], "history")
    measured = {}
    for seed in sorted(predictions["seed"].unique()):
        own = {"steps": _of_seed(steps, seed, "steps"), "weights": _of_seed(weights, seed, "weights")}
        rows = predictions[predictions["seed"] == seed], history[history["seed"] == seed]
        for row in _seed_rows(*rows, **own):
            measured.setdefault(row["weight_decay"], []).append({"seed": seed, **row})
    table = [row for _, rows in sorted(measured.items()) for row in [*rows, _overall(rows)]]
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
    for place, decay in enumerate(_decays(weights)):
        own, course = (frame[frame["weight_decay"] == decay] for frame in (predictions, history))
        template = weights["weight"][place]
        row = {"weight_decay": decay, "split": split, **_accuracies(own, split)}
        row |= {"total_variation": float(np.nanmean(templates.total_variation(template)))}
        row |= {"weight_norm": float(np.linalg.norm(template)), **_steps(steps, _decays(steps).index(decay), resampled)}
        losses = course.sort_values("step")["loss"]
        row |= _attack(steps, _decays(steps).index(decay))
        rows.append({**row, "initial_loss": losses.iloc[0], "loss": losses.iloc[-1]})
    return rows


def _decays(arrays: Arrays) -> list[float]:
    """The weight decays of a file, rounded as those of the rows."""
    return [float(f"{decay:.7g}") for decay in arrays["weight_decays"]]


def _accuracies(predictions: pd.DataFrame, split: str) -> dict[str, float]:
    correct = dict(iter(predictions.groupby("split")["correct"]))
    low, high = wilson(correct[split].sum(), len(correct[split]))
    row = {"n": len(correct[split]), "accuracy": correct[split].mean(), "low": low, "high": high}
    for name in ("validation", "train"):
        row[f"{name}_accuracy"] = correct[name].mean() if name in correct else math.nan
    return row


def _steps(steps: Arrays, place: int, resampled: NDArray) -> dict[str, float]:
    row = {"steps_n": steps["l2"].shape[1]}
    for name in ("l2", "linf"):
        sizes = steps[name][place]
        low, high = median_interval(sizes, resampled)
        row |= {f"{name}_median": float(np.nanmedian(sizes)), f"{name}_low": low, f"{name}_high": high}
    return {**row, "linf_smallest_median": float(np.nanmedian(steps["linf_smallest"][place]))}


def _attack(steps: Arrays, place: int) -> dict[str, float]:
    wrong, p, rubbish = (steps[name][place] for name in ("fgsm_wrong", "fgsm_p", "rubbish_p"))
    low, high = wilson(wrong.sum(), len(wrong))
    row = {"fgsm_error": wrong.mean(), "fgsm_low": low, "fgsm_high": high}
    row["fgsm_confidence"] = p[wrong].mean() if wrong.any() else math.nan
    low, high = wilson((rubbish > SURE).sum(), len(rubbish))
    share = float((rubbish > SURE).mean())
    return row | {"rubbish_n": len(rubbish), "rubbish_share": share, "rubbish_low": low, "rubbish_high": high}


def _overall(rows: list[dict]) -> dict[str, object]:
    """The means over the seeds of one weight decay."""
    frame = pd.DataFrame(rows)
    accuracy, sd, low, high = mean_interval(frame["accuracy"])
    row = {"seed": "all", "accuracy": accuracy, "sd": sd, "low": low, "high": high}
    row |= {name: frame[name].iloc[0] for name in ("weight_decay", "split", "n", "steps_n", "rubbish_n")}
    for share, name in (("fgsm_error", "fgsm"), ("rubbish_share", "rubbish")):
        mean, _, low, high = mean_interval(frame[share])
        row |= {share: mean, f"{name}_low": max(low, 0.0), f"{name}_high": min(high, 1.0)}
    for name in ("l2", "linf"):
        median, _, low, high = mean_interval(frame[f"{name}_median"])
        row |= {f"{name}_median": median, f"{name}_low": low, f"{name}_high": high}
    return {**row, **frame[[*MEANS]].mean()}


def tests(predictions: pd.DataFrame, steps: Sequence[Arrays]) -> pd.DataFrame:
    """Each weight decay against the one that is best on the validation split (without one: the lowest).

    Takes what `linear` takes. Returns `weight_decay, against, accuracy_difference, low, high, mcnemar_p, p_holm,
    l2_ratio, linf_ratio, accuracy_verdict, seed, n`. The difference, in percentage points with its 95 % interval over
    images, and McNemar's exact p are of the first `seed` and its `n` held-out images; `p_holm` is corrected for all
    rows, and the verdict is "within noise" unless it is below .05. A ratio is that of the median smallest steps, as
    geometric mean over the seeds: above 1, this weight decay resists more.
    """
    require(predictions, OUTCOME, "predictions")
    reference = best(predictions)
    seed, split = predictions["seed"].min(), held_out(predictions["split"])
    own = predictions[(predictions["seed"] == seed) & (predictions["split"] == split)]
    correct = own.assign(correct=own["predicted"] == own["label"]).pivot(
        index="id", columns="weight_decay", values="correct"
    )
    rows = []
    for decay in correct.columns.drop(reference):
        ratios = {f"{name}_ratio": _ratio(steps, name, decay, reference) for name in ("l2", "linf")}
        rows.append({"weight_decay": decay, **_compare(correct[decay], correct[reference]), **ratios})
    columns = ["weight_decay", "against", "accuracy_difference", "low", "high", "mcnemar_p", "p_holm", "l2_ratio"]
    columns += ["linf_ratio", "accuracy_verdict", "seed", "n"]
    table = pd.DataFrame(rows, columns=columns).assign(against=reference, seed=seed)
    table["p_holm"] = holm(table["mcnemar_p"])
    table["accuracy_verdict"] = table["accuracy_verdict"].where(table["p_holm"] < SIGNIFICANCE, "within noise")
    return table


def best(predictions: pd.DataFrame) -> float:
    """The weight decay with the highest validation accuracy, the lower of equals; without validation the lowest."""
    validation = predictions[predictions["split"] == "validation"]
    if validation.empty:
        return float(predictions["weight_decay"].min())
    correct = validation["predicted"] == validation["label"]
    return float(correct.groupby(validation["weight_decay"]).mean().idxmax())


def _compare(first: pd.Series, second: pd.Series) -> dict[str, object]:
    """Two classifiers on the same images, right (True) or wrong."""
    result = paired_difference(100.0 * first, 100.0 * second)
    return {
        "accuracy_difference": result.difference,
        "low": result.low,
        "high": result.high,
        "mcnemar_p": mcnemar_exact(int((first & ~second).sum()), int((~first & second).sum())),
        "accuracy_verdict": "higher" if result.difference > 0 else "lower",
        "n": result.n,
    }


def _ratio(steps: Sequence[Arrays], name: str, decay: float, reference: float) -> float:
    medians = [[np.nanmedian(file[name][_decays(file).index(value)]) for value in (decay, reference)] for file in steps]
    return float(np.exp(np.mean([math.log(own / other) for own, other in medians])))


def pair(rows: pd.DataFrame) -> pd.DataFrame:
    """How often two classes are confused: a row per (classes, attack, seed), and one with seed "all".

    `rows`: `seed, classes, attack, epsilon, label, predicted` per image. Returns `classes, attack, epsilon, seed, n,
    error, low, high`: Wilson 95 % intervals, in a row "all" the mean over the seeds and its t interval.
    """
    keys = ["classes", "attack", "epsilon"]
    require(rows, [*keys, "seed", "label", "predicted"], "rows of the pair")
    wrong = rows.assign(wrong=rows["predicted"] != rows["label"])
    table = []
    for key, group in wrong.groupby(keys, sort=False):
        counts = group.groupby("seed")["wrong"].agg(["sum", "size", "mean"])
        low, high = wilson(counts["sum"], counts["size"])
        table += [(*key, *row) for row in zip(counts.index, counts["size"], counts["mean"], low, high, strict=True)]
        error, _, low, high = mean_interval(counts["mean"])
        table.append((*key, "all", counts["size"].iloc[0], error, low, high))
    return pd.DataFrame(table, columns=[*keys, "seed", "n", "error", "low", "high"])


def toy() -> pd.DataFrame:
    """The write-up's ten dimensions, before and after: `step, input, score, p, l2, linf`."""
    return templates.toy()
