"""The smallest example of what a template does to an input: the write-up's ten dimensions."""

import numpy as np
import pandas as pd

TOY_INPUT = (2, -1, 3, -2, 2, 2, 1, -4, 5, 1)
TOY_WEIGHT = (-1, -1, 1, -1, 1, -1, 1, 1, -1, 1)
TOY_FRACTION = 0.5


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
