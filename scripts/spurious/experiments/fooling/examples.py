"""What is kept of fooling for its figure: a file of its own, as every job that reads files knows it."""

from dataclasses import dataclass

import pandas as pd

from spurious.frames import Arrays


@dataclass(frozen=True)
class Examples:
    """What a figure may show of fooling: `<method>/original` and `<method>/fooled` (n, C, H, W), and their rows."""

    tensors: Arrays
    rows: pd.DataFrame
