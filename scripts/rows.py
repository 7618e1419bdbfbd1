"""The pipeline's CSV files: per-image rows and tables."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commandline import whole_file
from spurious.errors import SpuriousError, reason_of

if TYPE_CHECKING:
    from torch import Tensor


def read_rows(paths: Sequence[str | Path]) -> pd.DataFrame:
    """All rows of the CSV files, one file after the other; SpuriousError where one cannot be read.

    Only the empty field is missing: "none" and "NA" are names.
    """
    return pd.concat([_read(path) for path in paths], ignore_index=True)


def _read(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise SpuriousError(f"{path}: not a readable CSV file ({reason}); delete it and run again") from None


def write_rows(path: str | Path, rows: pd.DataFrame) -> None:
    """Write rows as CSV, whole or not at all; floats with 7 significant digits."""
    with whole_file(path) as temporary:
        rows.to_csv(temporary, index=False, float_format="%.7g")


def prediction_rows(
    judge: "Callable[[Tensor], Tensor]",
    splits: "Iterable[tuple[str, Tensor, Tensor]]",
    identification: dict[str, object],
) -> pd.DataFrame:
    """One row per image of every split (name, images (N, C, H, W), labels (N,)); `judge` gives (N, classes)."""
    parts = []
    for split, images, labels in splits:
        probabilities = judge(images)
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
