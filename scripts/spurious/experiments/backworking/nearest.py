"""The table of how far found images lie from the training images."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.frames import Arrays, held_out, keeps_pixels, numbered, require
from spurious.statistics.bootstrap import bootstrap_median, draws

NEEDED = ["classifier", "seed", "label", "search", "image", "p"]
SPLIT = "_images"  # behind its name


def nearest(
    images: Sequence[Arrays], rows: Sequence[pd.DataFrame], data: Arrays, found_above: float = 0.999
) -> pd.DataFrame:
    """How far found images lie from the training images of their label, test images of the label being 1.

    `images` and `rows`: a file of each kind for every classifier and label. Returns `classifier, search, n, ratio, low,
    high`, without searches whose pixels may leave [0, 1]: n images with p above `found_above`, the median of their L2
    distance to the nearest training image of the label over the median distance of its test images, and its 95 %
    bootstrap interval, where the images of one seed and label are drawn together; nan where n is 0, and the interval
    where fewer than six of these groups have an image.
    """
    parts = []
    for place, (stored, frame) in enumerate(zip(images, rows, strict=True)):
        require(frame, NEEDED, f"rows[{place}]")
        training, unit = of_label(data, int(frame["label"].iloc[0]))
        frame = numbered(frame, f"rows[{place}]")
        real = frame[keeps_pixels(frame["search"])]
        for (search, seed), own in real.groupby(["search", "seed"], sort=False):
            own = own.sort_values("image")
            distance = np.where(own["p"] > found_above, to_nearest(stored[f"{search}/seed{seed}"], training), np.nan)
            parts.append({"classifier": own["classifier"].iloc[0], "search": search, "distances": distance / unit})
    groups = pd.DataFrame(parts).groupby(["classifier", "search"], sort=False)["distances"]
    found = {key: np.stack(values.to_list()) for key, values in groups}
    table = [(*key, *_median(values)) for key, values in found.items()]
    return pd.DataFrame(table, columns=["classifier", "search", "n", "ratio", "low", "high"])


def _median(values: NDArray) -> tuple[int, float, float, float]:
    """(n, median, low, high) of the values that are not nan; a row is drawn as a whole."""
    if np.isnan(values).all():
        return 0, np.nan, np.nan, np.nan
    return int((~np.isnan(values)).sum()), float(np.nanmedian(values)), *bootstrap_median(values, draws(len(values)))


def of_label(data: Arrays, label: int) -> tuple[NDArray, float]:
    """The training images of a label, and the median distance of its test images to the nearest of them."""
    test = held_out(name.removesuffix(SPLIT) for name in data if name.endswith(SPLIT))
    training, held = (
        data[name + SPLIT][data[f"{name}_labels"] == label].astype(np.float32) / 255 for name in ("train", test)
    )
    return training, float(np.median(to_nearest(held, training)))


def to_nearest(images: NDArray, references: NDArray) -> NDArray:
    """The L2 distance (N,) of every image to the nearest of the references, float64."""
    first, second = (np.asarray(own, dtype=float).reshape(len(own), -1) for own in (images, references))
    squared = np.square(first).sum(1)[:, None] + np.square(second).sum(1) - 2 * first @ second.T
    return np.sqrt(np.maximum(squared.min(1), 0))  # rounding may leave an image at a negative distance from itself
