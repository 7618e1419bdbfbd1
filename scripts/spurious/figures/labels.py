"""Images of a dataset as rows of one label each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spurious.errors import SpuriousError
from spurious.figures.page import fitted_lines

ROW_NAME, ROW_SIZE = 0.9, 12  # inches and points of a row's name


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


def class_name(label: float, class_names: Sequence[str] | None) -> str:
    """What a figure calls a class: its name, its number where there are none.

    Raises SpuriousError for a class without a name.
    """
    if class_names is None:
        return str(int(label))
    if label >= len(class_names):
        raise SpuriousError(f"class_names: the class {int(label)} has no name; add it")
    return class_names[int(label)]


def row_names(labels: Sequence[int], class_names: Sequence[str] | None) -> list[str]:
    """The names of rows of one label each, long ones in two lines and shortened."""
    names = [class_name(label, class_names) for label in labels]
    return names if class_names is None else ["\n".join(fitted_lines(name, ROW_NAME, size=ROW_SIZE)) for name in names]


def name_of(rows: pd.DataFrame) -> str:
    """Classifier and seed of the rows, for a title."""
    return f"{rows['classifier'].iloc[0]}, seed {rows['seed'].iloc[0]}"
