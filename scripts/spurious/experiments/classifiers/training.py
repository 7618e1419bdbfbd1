"""The table of trainings: how long they took, and whether the validation accuracy still rose at their end."""

from collections.abc import Sequence

import pandas as pd

from spurious.classifiers.progress import rise_of
from spurious.frames import require


def training(histories: Sequence[pd.DataFrame], predictions: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A row per classifier and seed, the files of both inputs being in the same order.

    `histories`: `step, validation_accuracy`; `predictions`: `classifier, seed, split` per image. Returns `classifier,
    seed, steps, n, before, validation_accuracy, still_rising`: `n` validation images, `before` their accuracy at two
    thirds of the steps (missing where none was logged until then), and "yes" or "no" as `Rise.clear` says.
    """
    return pd.DataFrame(list(map(_row, histories, predictions)))


def _row(history: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, object]:
    require(history, ["step", "validation_accuracy"], "histories")
    require(predictions, ["classifier", "seed", "split"], "predictions")
    first, images = predictions.iloc[0], int((predictions["split"] == "validation").sum())
    steps, accuracies = history["step"].tolist(), history["validation_accuracy"].tolist()
    rise = rise_of(steps, accuracies, images)
    return {
        "classifier": first["classifier"],
        "seed": first["seed"],
        "steps": steps[-1],
        "n": images,
        "before": rise.before if rise else None,
        "validation_accuracy": accuracies[-1],
        "still_rising": "yes" if rise and rise.clear else "no",
    }
