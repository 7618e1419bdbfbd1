"""Rows of what a classifier says of every image."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from torch import Tensor


def prediction_rows(
    predict: "Callable[[Tensor], Tensor]",
    splits: "Iterable[tuple[str, Tensor, Tensor]]",
    identification: dict[str, object],
) -> pd.DataFrame:
    """One row per image of every split (name, images (N, C, H, W), labels (N,)); `predict` gives (N, classes)."""
    parts = []
    for split, images, labels in splits:
        probabilities = predict(images)
        confidence, predicted = probabilities.max(1)
        columns = {
            "split": split,
            "id": range(len(labels)),
            "label": labels,
            "predicted": predicted,
            "probability": confidence,
            "p_label": probabilities.gather(1, labels[:, None])[:, 0],
        }
        parts.append(pd.DataFrame(identification | columns))
    return pd.concat(parts)
