"""What a template looks like, in one number."""

import numpy as np
from numpy.typing import NDArray


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
