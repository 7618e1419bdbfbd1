"""Gaussian blurs, resizing and cropping in one go: a faster form of calling them one after the other.

They are linear and treat height and width apart. What kornia and torchvision do to the unit vectors along a side is
therefore all that they do: a narrow banded matrix for each side. Multiplying by it gives what the calls give, up to
rounding, without making the images between.
"""

import functools
from dataclasses import dataclass

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from spurious.views.blur import check_blur
from spurious.views.preprocessing import Preprocessing

Band = tuple[tuple[slice, Tensor], ...]  # consecutive output rows: which input rows they take, and how much of each

_ROWS = 16  # output rows of a block: few enough that the block is narrow, enough for a matrix product to be fast
_COLUMNS = 512  # unit vectors at a time: a side of many thousand pixels must not need its square in memory


@dataclass(frozen=True, kw_only=True)
class Side:
    """What happens along the height or the width of an image, `length` pixels.

    It is blurred `times` times by a Gaussian of `kernel` taps and `sigma` pixels, resized, and its middle cropped.
    """

    length: int
    resized: int
    crop: int
    interpolation: str
    antialias: bool
    kernel: int
    times: int
    sigma: float


def prepare(images: Tensor, preprocessing: Preprocessing, *, antialias: bool = False) -> Tensor:
    """Images (N, C, H, W) resized and cropped as by `preprocessing.prepare`."""
    return blur_and_prepare(images, 0, 1, 1.0, preprocessing, antialias=antialias)


def blur_and_prepare(
    images: Tensor, times: int, kernel: int, sigma: float, preprocessing: Preprocessing, *, antialias: bool = False
) -> Tensor:
    """Images (N, C, H, W) under so many Gaussian blurs as in `blur`, then resized and cropped.

    Raises SpuriousError as `check_blur`.
    """
    size = tuple(images.shape[2:])
    check_blur(size, kernel, sigma)
    if not times and preprocessing.resize is None:
        return images
    resized = size if preprocessing.resize is None else _resized(size, preprocessing.resize)
    for dimension, (length, new_length) in enumerate(zip(size, resized, strict=True), start=2):
        side = Side(
            length=length,
            resized=new_length,
            crop=preprocessing.crop or new_length,
            interpolation=preprocessing.interpolation,
            antialias=antialias,
            kernel=kernel,
            times=times,
            sigma=sigma,
        )
        images = _along(images, side_band(side), dimension)
    return images


def _resized(size: tuple[int, int], short: int) -> tuple[int, int]:
    """Height and width with the short side at `short` pixels and the long one rounded down, as torchvision does."""
    height, width = size
    return (short, int(short * width / height)) if height <= width else (int(short * height / width), short)


@functools.lru_cache(maxsize=256)  # photographs come in few sizes; a band takes some 50 KB
def side_band(side: Side) -> Band:
    """All that happens along a side, as a banded matrix (crop, length)."""
    columns = [_response(side, pixels) for pixels in torch.arange(side.length).split(_COLUMNS)]
    return tuple(_block(rows) for rows in torch.cat(columns, dim=1).split(_ROWS))


def _response(side: Side, pixels: Tensor) -> Tensor:
    """What kornia and torchvision make of the unit vectors of some pixels: (crop, pixels)."""
    image = torch.zeros(1, 1, side.length, len(pixels))
    image[0, 0, pixels, torch.arange(len(pixels))] = 1
    for _ in range(side.times):
        image = gaussian_blur2d(image, (side.kernel, 1), (side.sigma, side.sigma))
    if side.resized != side.length:
        from spurious.vision import InterpolationMode, transforms  # costs .5 s, and not every sweep resizes

        mode, size = InterpolationMode(side.interpolation), [side.resized, len(pixels)]
        image = transforms.resize(image, size, interpolation=mode, antialias=side.antialias)
    start = round((side.resized - side.crop) / 2)
    return image[0, 0, start : start + side.crop]


def _block(rows: Tensor) -> tuple[slice, Tensor]:
    """The inputs that some outputs take anything of, and their weights."""
    used = rows.any(dim=0).nonzero()
    inputs = slice(int(used[0]), int(used[-1]) + 1)
    return inputs, rows[:, inputs].contiguous()


def _along(images: Tensor, band: Band, dimension: int) -> Tensor:
    """Images (N, C, H, W) with the band applied along their height (dimension 2) or width (3)."""
    if dimension == 2:
        parts = [weights.to(images.device) @ images[:, :, inputs] for inputs, weights in band]
    else:
        parts = [images[..., inputs] @ weights.T.to(images.device) for inputs, weights in band]
    return torch.cat(parts, dim=dimension)
