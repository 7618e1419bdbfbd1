"""The figure of the strongest images that still fool each arm."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.attacks.settings import FROM_NOISE
from spurious.experiments.retraining.rounds import ARM
from spurious.experiments.retraining.verdicts import last_round
from spurious.figures.style import VERMILION, probability_text, styled
from spurious.figures.tiles import banded_grid, cells, show_tile
from spurious.frames import Arrays

ACROSS = 10  # labels in a row


@styled
def figure(images: Sequence[Arrays], rows: Sequence[pd.DataFrame], classifier: str, found_above: float) -> Figure:
    """A row per arm after its last round, a column per label: of the first seed, what the strong attack ended with.

    `images` and `rows` are a file of each per arm. Of each label the image with the largest p is shown, one found from
    noise before any other.
    """
    own = [(pixels, frame[last_round(frame)]) for pixels, frame in zip(images, rows, strict=True)]
    chosen = [_strongest(frame.reset_index(drop=True), found_above) for _, frame in own]
    names = ["-".join(frame.iloc[0][ARM[1:]]) if frame["negatives"].iloc[0] != "none" else "none" for _, frame in own]
    shown = np.stack([_pixels(arrays, rows) for (arrays, _), rows in zip(own, chosen, strict=True)])
    note = f"p of the column's label, and the start, under every image; in italics: not above {found_above:g}"
    title = f"{classifier}, seed {own[0][1]['seed'].iloc[0]}: what an attack that does not give up ends with"
    labels = [str(label) for label in chosen[0]["label"]]
    drawn, grid = banded_grid(names, labels, ACROSS, title, note, text=0.32, names_size=8)
    for axes, image, p, start in cells(
        grid, shown, *(np.stack([each[name] for each in chosen]) for name in ("p", "start"))
    ):
        show_tile(axes, image)
        missed = {} if p > found_above else {"color": VERMILION, "style": "italic"}
        axes.set_xlabel(f"{probability_text(p)}\n{start}", **missed)
        axes.xaxis.label.set(size=6)
    return drawn


def _strongest(rows: pd.DataFrame, found_above: float) -> pd.DataFrame:
    """A row per label."""
    first = (rows["p"] > found_above) & rows["start"].isin(FROM_NOISE)
    ordered = rows.assign(first=first, place=rows.index).sort_values(["label", "first", "p"], kind="stable")
    return ordered.groupby("label").tail(1)


def _pixels(arrays: Arrays, rows: pd.DataFrame) -> np.ndarray:
    """(labels, H, W), or (labels, H, W, 3) of colour."""
    pixels = arrays[f"round{rows['round'].iloc[0]}"][rows["place"].to_numpy()]
    return pixels[:, 0] if pixels.shape[1] == 1 else pixels.transpose(0, 2, 3, 1)
