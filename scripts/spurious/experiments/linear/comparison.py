"""The table of weight decays compared with the best one."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from spurious.experiments.linear.regularization import OUTCOME, Arrays, decays_of
from spurious.frames import SIGNIFICANCE, held_out, require
from spurious.statistics.comparisons import holm, mcnemar_exact, paired_difference


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
    medians = [
        [np.nanmedian(file[name][decays_of(file).index(value)]) for value in (decay, reference)] for file in steps
    ]
    return float(np.exp(np.mean([math.log(own / other) for own, other in medians])))
