"""Images as the pictures that are drawn."""

import math

import numpy as np

from spurious.errors import SpuriousError


def pictures(images: np.ndarray) -> np.ndarray:
    """Images (..., C, H, W) as matplotlib draws them: (..., H, W) of one channel, (..., H, W, 3) of three or four.

    Colours are clamped to [0, 1]. Of four channels the first three are shown: the fourth counts as an alpha channel,
    which the figures leave out. SpuriousError for another number of channels.
    """
    if images.ndim < 3 or images.shape[-3] not in (1, 3, 4):
        raise SpuriousError(f"the figure shows images of 1, 3 or 4 channels (..., C, H, W), not {images.shape}")
    if images.shape[-3] == 1:
        return images[..., 0, :, :]
    return np.moveaxis(images[..., :3, :, :], -3, -1).clip(0, 1)


def in_colour(image: np.ndarray) -> np.ndarray:
    """One image (C, H, W) as (H, W, 3), clamped to [0, 1]: `pictures`, with a grey channel repeated."""
    picture = pictures(image)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2).clip(0, 1)


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


def magnification(changes: np.ndarray) -> float:
    """By how much the changes are multiplied so that the largest pixel is full black or white; two digits, down."""
    largest = np.abs(changes).max()
    if largest == 0:
        return 1.0
    factor = 0.5 / largest
    factor *= 1 + 1e-5  # an epsilon of .1 is a little more in float32
    digit = 10.0 ** (math.floor(math.log10(factor)) - 1)
    return float(f"{math.floor(factor / digit) * digit:.2g}")
