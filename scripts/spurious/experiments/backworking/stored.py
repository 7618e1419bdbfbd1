"""The stored images of one search, for figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spurious.errors import SpuriousError
from spurious.figures.labels import stack
from spurious.figures.pictures import pictures
from spurious.frames import CLAMPED, Arrays, numbered


def of_search(
    images: Sequence[Arrays], rows: Sequence[pd.DataFrame], search: str, seed: int
) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Labels, pictures (labels, n, ...) and p (labels, n) of one search and seed; one file of each kind for a label.

    Raises SpuriousError where a label has no row of the search.
    """
    labels, pixels, p = [], [], []
    for place, (stored, frame) in enumerate(zip(images, rows, strict=True)):
        own = _of_label(frame, place, search, seed)
        labels.append(int(own["label"].iloc[0]))
        pixels.append(pictures(stored[f"{search}/seed{seed}"]))
        p.append(own["p"].to_numpy())
    return labels, stack(pixels), stack(p)


def p_clipped(rows: Sequence[pd.DataFrame], search: str, seed: int) -> np.ndarray | None:
    """p (labels, n) of the images of one search and seed clipped to [0, 1]; None of a search that keeps them there."""
    clipped = f"{search}{CLAMPED}"
    if not any((frame["search"] == clipped).any() for frame in rows):
        return None
    return stack([_of_label(frame, place, clipped, seed)["p"].to_numpy() for place, frame in enumerate(rows)])


def _of_label(frame: pd.DataFrame, place: int, search: str, seed: int) -> pd.DataFrame:
    """The rows of one search and seed in the `place`-th frame, in the order of the images."""
    name = f"rows[{place}]"
    own = numbered(frame[(frame["search"] == search) & (frame["seed"] == seed)], name).sort_values("image")
    if own.empty:
        raise SpuriousError(f"{name}: no rows of the search {search!r} with seed {seed}; run backwork_label again")
    return own
