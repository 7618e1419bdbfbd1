"""The views that the vote compares: noisy images blurred, resized and cropped in one go.

Blurring, resizing and cropping are linear and treat height and width apart. What kornia and torchvision do to the
unit vectors along a side is therefore all that they do: a narrow banded matrix for each side. Multiplying by it gives
what calling them one after the other gives, up to rounding, without making the images between.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from spurious.errors import SpuriousError
from spurious.perturbations.noise import add_noise
from spurious.settings import Preprocessing, SmoothingSettings, Variant
from spurious.views.blur import check_blur

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


class Viewer:
    """Makes every view of images of any size for one classifier.

    `preprocessing` is the classifier's; `settings` has the kernels and the blur, `variant` how noise is added.
    """

    def __init__(self, preprocessing: Preprocessing, settings: SmoothingSettings, variant: Variant):
        self.preprocessing, self.settings, self.variant = preprocessing, settings, variant
        self.passes = [(1, 0), *((kernel, times) for kernel in settings.kernels for times in (1, 2))]

    def views(self, images: Tensor, ids: Sequence[str], sigma: float, seed: int) -> Tensor:
        """Views (N, V, C, h, w) of images (N, C, H, W), float32 in [0, 1], under noise of `sigma` and `seed`.

        V is 1 + 2 x kernels: not blurred, then blurred once and twice with each kernel. h and w are what the
        preprocessing makes of H and W. As published (variant), noise is added and clamped and blurred at H x W;
        with `noise_at` "prepared" all of it happens at h x w. Raises SpuriousError, naming the image, where it is
        too small for a kernel or for the noise's channels.
        """
        preparation = self.preprocessing
        try:
            if self.variant.noise_at == "prepared":
                images, preparation = self._view(images, preparation, 1, 0), Preprocessing()
            noisy = add_noise(images, ids, sigma, seed, scale=self.variant.noise_scale, clamp=self.variant.clamp)
            return torch.stack([self._view(noisy, preparation, *blur) for blur in self.passes], dim=1)
        except SpuriousError as error:
            raise SpuriousError(f"image {ids[0]}: {error}") from None

    def _view(self, images: Tensor, preparation: Preprocessing, kernel: int, times: int) -> Tensor:
        """The images (N, C, H, W) blurred `times` times, then prepared."""
        size = tuple(images.shape[2:])
        check_blur(size, kernel, self.settings.blur_sigma)
        if not times and preparation.resize is None and preparation.crop is None:
            return images
        resized = size if preparation.resize is None else _resized(size, preparation.resize)
        for dimension, (length, new_length) in enumerate(zip(size, resized, strict=True), start=2):
            side = Side(
                length=length,
                resized=new_length,
                crop=preparation.crop or new_length,
                interpolation=preparation.interpolation,
                antialias=self.variant.antialias,
                kernel=kernel,
                times=times,
                sigma=self.settings.blur_sigma,
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
