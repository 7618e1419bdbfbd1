"""Noise that depends on the image's id, not on its batch."""

from collections.abc import Sequence

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
