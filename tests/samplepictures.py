"""Made-up images, as files and as figures show them."""

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

RNG = np.random.default_rng(0)
GRID = RNG.random((2, 3, 6, 6))
P = np.array([[0.9995, 0.999, 1.0], [0.2, 0.99999, 0.00001]])
KEPT = np.where(GRID > 0.7, GRID, 0)
CALLED = ["A", "German short-haired pointer", "$x$"]


def pictures(figure):
    """The pictures of each panel, in the order of the panels."""
    return [axes.get_images() for axes in figure.axes]


def store(folder, channels):
    """Paths of files in `folder`: a dataset of two classes, images (C, 8, 8), and what a classifier says of it."""
    labels = np.repeat([0, 1], 4)
    tensors, rows = {}, []
    for split in ("train", "validation", "test"):
        tensors[f"{split}_images"] = RNG.integers(0, 256, (8, channels, 8, 8)).astype(np.uint8)
        tensors[f"{split}_labels"] = labels
        columns = {"split": split, "id": range(8), "label": labels, "predicted": labels, "p_label": np.arange(8) / 10}
        rows.append(pd.DataFrame({"classifier": "softmax", "seed": 0, **columns}))
    save_file(tensors, folder / "data.safetensors")
    pd.concat(rows).to_csv(folder / "predictions.csv", index=False)
    return {"data": folder / "data.safetensors", "predictions": folder / "predictions.csv"}
