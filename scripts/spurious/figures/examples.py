"""What is kept of attacks for a figure: tensors of a file, and their rows."""

from dataclasses import dataclass

import pandas as pd

from spurious.frames import Arrays


@dataclass(frozen=True)
class Examples:
    """Tensors by name, and their rows; of fooling `<method>/original` and `<method>/fooled` (n, C, H, W)."""

    tensors: Arrays
    rows: pd.DataFrame
