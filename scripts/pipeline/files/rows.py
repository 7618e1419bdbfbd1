"""The pipeline's CSV files: per-image rows and tables."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.files.atomic import whole_file
from spurious.errors import SpuriousError, reason_of

# Columns of names, for every reader of CSV files: "2024", "007" and "1e3" are names as well, and "1.1" is not "1.10".
# Those that hold a name in some files and a number in others are not among them: `seed` ("all"), and `id` and `target`,
# which are numbers in all rows whose readers use them.
TEXT = dict.fromkeys(
    [
        *("attack", "classifier", "defence", "device", "gradient", "image", "judge", "method", "mode"),
        *("name", "negatives", "noise", "norm", "objective", "precision", "quantity", "reason", "search"),
        *("sees", "setting", "sha256", "source", "split", "variant"),
    ],
    "str",
)


def read_rows(paths: Sequence[str | Path]) -> pd.DataFrame:
    """All rows of the CSV files, one file after the other; SpuriousError where one cannot be read.

    The columns TEXT are text. Only the empty field is missing: "none" and "NA" are names.
    """
    return pd.concat([_read(path) for path in paths], ignore_index=True)


def _read(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise SpuriousError(f"{path}: not a readable CSV file ({reason}); delete it and run again") from None


def write_rows(path: str | Path, rows: pd.DataFrame) -> None:
    """Write rows as CSV, whole or not at all; floats with 7 significant digits."""
    with whole_file(path) as temporary:
        rows.to_csv(temporary, index=False, float_format="%.7g")
