"""Noise that depends on the image's id, not on its batch."""

from collections.abc import Callable, Sequence

import torch
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
    _check_sigma(sigma)
    if len(scale) not in (1, images.shape[1]):
        raise SpuriousError(
            f"smoothing: noise_scale has {len(scale)} factors for {images.shape[1]} channels; give one, or one for each"
        )
    if sigma == 0:
        return images
    noise = _drawn(images.shape, ids, sigma, seed, "noise", Tensor.normal_)
    deviation = (torch.tensor(scale) * sigma).view(-1, 1, 1).to(images.device)
    noisy = noise.to(images.device).mul_(deviation).add_(images)
    return noisy.clamp_(0, 1) if clamp else noisy


def salt_and_pepper(images: Tensor, ids: Sequence[str], share: float, seed: int) -> Tensor:
    """Images (N, C, H, W) in which a `share` of the pixels is 0 or 1, all channels of a pixel together.

    Each pixel is pepper (0) with probability share / 2, salt (1) with the same, else itself. What is drawn for an image
    depends on (seed, share, id), its height and its width alone. Raises SpuriousError for a share outside [0, 1]; a
    share of 0 returns the images themselves.
    """
    _check_sigma(share)
    if share > 1:
        raise SpuriousError(f"smoothing: sigma {share} is no share of the pixels; give salt_and_pepper at most 1")
    if share == 0:
        return images
    shape = (len(images), 1, *images.shape[2:])
    drawn = _drawn(shape, ids, share, seed, "salt and pepper", Tensor.uniform_).to(images.device)
    return images.masked_fill(drawn < share / 2, 0).masked_fill(drawn >= 1 - share / 2, 1)


def _check_sigma(sigma: float) -> None:
    if sigma < 0:
        raise SpuriousError(f"smoothing: sigma {sigma} is negative; give standard deviations of 0 or more")


def _drawn(
    shape: Sequence[int], ids: Sequence[str], sigma: float, seed: int, word: str, fill: Callable[..., Tensor]
) -> Tensor:
    """Random values of `shape` (N, ...), on the CPU, those of an image by `fill` from a seed of its own."""
    values = torch.empty(shape)
    for own, name in zip(values, ids, strict=True):
        # float: 1 and 1.0 are the same noise level, but not the same text to seed from
        fill(own, generator=generator(seed, word, float(sigma), name))
    return values
