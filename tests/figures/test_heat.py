"""Shares as a heat map."""

import numpy as np
from matplotlib.figure import Figure

from spurious.figures.heat import HEAT, heat


def test_a_share_of_0_is_a_cell_and_no_share_is_none():
    axes = Figure().subplots()
    heat(axes, np.array([[0.0, np.nan, 1.0]]), np.array([["0", "", "100"]]), ["row"])
    (shown,) = axes.images
    zero, missing, whole = shown.cmap(shown.norm(shown.get_array()))[0]
    assert zero[:3].min() < 0.95
    assert missing[3] == 0
    assert tuple(whole) == HEAT(1.0)
