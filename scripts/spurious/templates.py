"""What a template looks like, and the smallest example of what it does to an input."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TOY_INPUT = (2, -1, 3, -2, 2, 2, 1, -4, 5, 1)
TOY_WEIGHT = (-1, -1, 1, -1, 1, -1, 1, 1, -1, 1)
TOY_FRACTION = 0.5


def total_variation(templates: NDArray) -> NDArray:
    """Roughness (...) of templates (..., C, H, W): mean absolute difference of neighbours over mean absolute weight.

    The anisotropic total variation (Rudin, Osher and Fatemi, "Nonlinear total variation based noise removal
    algorithms", Physica D 60, 1992) per pair of neighbours, in units of the template's own size: regularization shrinks
    the weights, and a template times .1 is not smoother. 0 is constant, sqrt(2) white Gaussian noise; nan where all
    weights are 0.
    """
    templates = np.asarray(templates, dtype=float)
    differences = [np.abs(np.diff(templates, axis=axis)) for axis in (-2, -1)]
    pairs = sum(np.prod(difference.shape[-3:]) for difference in differences)
    summed = sum(difference.sum((-3, -2, -1)) for difference in differences)
    size = np.abs(templates).mean((-3, -2, -1))
    return summed / pairs / np.where(size > 0, size, np.nan)


def toy() -> pd.DataFrame:
    """The write-up's logistic regression in ten dimensions: before, and after half of its weights are added.

    Returns `step, input, score, p, l2, linf`: score w x, p = 1 / (1 + exp(-score)) of class 1, sizes of the change.
    """
    before, weight = np.array(TOY_INPUT, dtype=float), np.array(TOY_WEIGHT, dtype=float)
    rows = []
    for name, fraction in (("x", 0.0), (f"x + {TOY_FRACTION:g} w", TOY_FRACTION)):
        change = fraction * weight
        score = float(weight @ (before + change))
        values = " ".join(f"{value:g}" for value in before + change)
        p = 1 / (1 + np.exp(-score))
        rows.append((name, values, score, p, float(np.linalg.norm(change)), float(np.abs(change).max())))
    return pd.DataFrame(rows, columns=["step", "input", "score", "p", "l2", "linf"])
