"""Noise and blur of images, and the majority of what a classifier says about them."""

from collections.abc import Sequence

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from spurious.errors import SpuriousError
from spurious.seeding import generator


def add_noise(
    images: Tensor,
    ids: Sequence[str],
    sigma: float,
    seed: int,
    *,
    scale: Sequence[float] = (1.0,),
    clamp: bool = True,
) -> Tensor:
    """Images (N, C, H, W) plus Gaussian noise of standard deviation `sigma` x `scale`, clamped to [0, 1].

    `scale` is one factor or one per channel. The noise of an image depends on (seed, sigma, id) and its shape
    alone: it is drawn on the CPU as contiguous float32, because other layouts, types and devices give other values.
    Raises SpuriousError for a negative sigma and for a scale of another number of channels; a sigma of 0 returns the
    images themselves.
    """
    if sigma < 0:
        raise SpuriousError(f"smoothing: sigma {sigma} is negative; give standard deviations of 0 or more")
    if len(scale) not in (1, images.shape[1]):
        raise SpuriousError(
            f"smoothing: noise_scale has {len(scale)} factors for {images.shape[1]} channels; give one, or one for each"
        )
    if sigma == 0:
        return images
    noise = torch.empty(images.shape)
    for own, name in zip(noise, ids, strict=True):
        # float: 1 and 1.0 are the same noise level, but not the same text to seed from
        own.normal_(generator=generator(seed, "noise", float(sigma), name))
    deviation = (torch.tensor(scale) * sigma).view(-1, 1, 1).to(images.device)
    noisy = noise.to(images.device).mul_(deviation).add_(images)
    return noisy.clamp_(0, 1) if clamp else noisy


def blur(images: Tensor, kernel: int, sigma: float) -> Tensor:
    """Images (N, C, H, W) under a Gaussian of `kernel` x `kernel` taps and `sigma` pixels, border reflected.

    Raises SpuriousError as `check_blur`.
    """
    check_blur(tuple(images.shape[2:]), kernel, sigma)
    return gaussian_blur2d(images, (kernel, kernel), (sigma, sigma))


def check_blur(size: tuple[int, int], kernel: int, sigma: float) -> None:
    """Raise SpuriousError where an image of `size` (H, W) cannot be blurred so.

    The kernel must be odd and not reach beyond the reflected border, the sigma positive.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise SpuriousError(f"smoothing: kernel {kernel} is not a positive odd number of taps")
    if sigma <= 0:
        raise SpuriousError(f"smoothing: blur_sigma {sigma} is not positive")
    if kernel // 2 >= min(size):
        height, width = size
        raise SpuriousError(
            f"its {height}x{width} pixels are too few for a kernel of {kernel}; leave it out or choose a smaller kernel"
        )
