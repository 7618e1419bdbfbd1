"""Photographs as small pictures."""

import numpy as np


def thumbnail(picture: np.ndarray, side: int) -> np.ndarray:
    """The central square of a picture (H, W, 3), clamped to [0, 1], at most `side` pixels a side and in 64 levels.

    Pixels are left out, not averaged: averaging would take away the noise that the picture is to show. Noise does not
    compress; the fewer levels keep a page of it below 2 MB.
    """
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    kept = np.arange(min(side, short)) * short // min(side, short)
    return np.round(picture[top + kept][:, left + kept].clip(0, 1) * 63) / 63
