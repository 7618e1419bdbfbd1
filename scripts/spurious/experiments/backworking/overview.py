"""The figure of found images above real ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spurious.experiments.backworking.stored import of_search
from spurious.figures.labels import class_name, per_label
from spurious.figures.page import WRONG, fitted_lines
from spurious.figures.pictures import pictures
from spurious.figures.style import WIDTH, probability_text, styled
from spurious.figures.tiles import banded_grid, cells, check_tiles, show_tile
from spurious.frames import Arrays, lowest

ACROSS = 13  # labels in a row
FEW = 10  # labels up to which p of real images has four decimals, too


@styled
def overview(
    found: np.ndarray,
    p_found: np.ndarray,
    worst: np.ndarray,
    p_worst: np.ndarray,
    title: str,
    names: Sequence[str] | None = None,
    found_above: float = 0.999,
    searched: int = 1,
) -> Figure:
    """One found image and one training image per label, each with p of that label.

    `found` and `worst` (labels, H, W) or (labels, H, W, 3) with pixels in [0, 1], `p_found` and `p_worst` (labels,);
    `names` are over the columns (0, 1, ...), at most ACROSS of which are side by side. A p of noise that does not
    exceed `found_above` is printed in another colour and in italics. `searched`: of how many images the found one is
    the best.
    """
    images, p = np.stack([found, worst]), np.stack([p_found, p_worst])
    check_tiles(images, p=p)
    real_digits = 4 if len(found) <= FEW else 2  # noise keeps its four: below, .9985 and .9995 would look the same
    note = f"p of the column's label under every image; in italics: noise not above {found_above:g}"
    best = f"noise, best\nof {searched}" if searched > 1 else "noise"
    heads = names or [str(label) for label in range(len(found))]
    figure, grid = banded_grid([best, "training,\nworst"], heads, ACROSS, title, note)
    for place, (axes, image, value) in enumerate(cells(grid, images, p)):
        show_tile(axes, image)
        noise = place < len(found)
        missed = WRONG if noise and not value > found_above else {}
        axes.set_xlabel(probability_text(value, 4 if noise else real_digits), **missed)
    return figure


def figure(
    images: Sequence[Arrays],
    rows: Sequence[pd.DataFrame],
    data: Arrays,
    predictions: pd.DataFrame,
    classifier: str,
    search: str,
    seed: int,
    found_above: float = 0.999,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """The strongest image that a search found for every label, above the training image with the lowest p."""
    labels, pixels, p = of_search(images, rows, search, seed)
    each, best = np.arange(len(labels)), p.argmax(1)
    real = lowest(predictions[predictions["split"] == "train"], 1)
    worst, _ = per_label(data["train_images"], real)
    title = f"noise that was searched for each label, and the real images that do worst: {classifier}"
    names = None if class_names is None else column_names(labels, class_names, min(ACROSS, len(labels)))
    p_real = real["p_label"].to_numpy()
    shown = pixels[each, best], p[each, best], pictures(worst[:, 0]), p_real
    return overview(*shown, title, names, found_above, searched=p.shape[1])


def column_names(labels: Sequence[int], class_names: Sequence[str], columns: int) -> list[str]:
    """The names of the labels, in as much room as each of so many columns has."""
    inches = WIDTH / (columns + 2)
    return ["\n".join(fitted_lines(class_name(label, class_names), inches, size=10)) for label in labels]
