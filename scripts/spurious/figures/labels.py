"""Images of a dataset as rows of one label each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spurious.errors import SpuriousError


def per_label(stored: np.ndarray, rows: pd.DataFrame) -> tuple[np.ndarray, list[int]]:
    """The images (N, C, H, W) uint8 that `rows` name by id, as float32 (labels, n, C, H, W) in [0, 1]; the labels."""
    pixels = stored[rows["id"].to_numpy()].astype(np.float32) / 255
    by_label = [pixels[rows["label"].to_numpy() == label] for label in sorted(rows["label"].unique())]
    return stack(by_label), sorted(int(label) for label in rows["label"].unique())


def stack(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of the labels as one; SpuriousError where the labels have different numbers of images."""
    if len({part.shape for part in parts}) != 1:
        raise SpuriousError(f"every label needs equally many images, not {[len(part) for part in parts]}")
    return np.stack(parts)


def smallest_label(rows: pd.DataFrame) -> int:
    """How many rows the label with the fewest of them has."""
    return int(rows["label"].value_counts().min())


def name_of(rows: pd.DataFrame) -> str:
    """Classifier and seed of the rows, for a title."""
    return f"{rows['classifier'].iloc[0]}, seed {rows['seed'].iloc[0]}"
