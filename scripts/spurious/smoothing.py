"""The noise sweep: classify an image as it is, blurred once and blurred twice, and take the majority.

Knows neither datasets nor classifiers: it takes batches and a function that names the class of each image.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from spurious.errors import SpuriousError
from spurious.seeding import generator
from spurious.settings import SmoothingSettings
from spurious.smoothing_table import REJECTED

Batch = tuple[Sequence[str], Tensor | Sequence[Tensor], Tensor]  # ids; images; labels (N,)


class Row(NamedTuple):
    """One image under one kernel and sigma: the classes of its three views and the decision (or REJECTED)."""

    image: str
    label: int
    kernel: int
    sigma: float
    ns: int
    ss: int
    ds: int
    decision: int


def add_noise(images: Tensor, ids: Sequence[str], sigma: float, seed: int) -> Tensor:
    """Images (N, C, H, W) plus Gaussian noise of standard deviation `sigma`, clamped to [0, 1].

    The noise of an image depends on (seed, sigma, id) and its shape alone: it is drawn on the CPU as contiguous
    float32, because other layouts, types and devices give other values. Raises SpuriousError for a negative
    sigma; 0 returns the images themselves.
    """
    if sigma < 0:
        raise SpuriousError(f"smoothing: sigma {sigma} is negative; give standard deviations of 0 or more")
    if sigma == 0:
        return images
    shape = images.shape[1:]
    # float: 1 and 1.0 are the same noise level, but not the same text to seed from
    noise = [torch.randn(shape, generator=generator(seed, "noise", float(sigma), name)) for name in ids]
    return torch.stack(noise).to(images.device).mul_(sigma).add_(images).clamp_(0, 1)


def blur(images: Tensor, kernel: int, sigma: float) -> Tensor:
    """Images (N, C, H, W) under a Gaussian of `kernel` x `kernel` taps and `sigma` pixels, border reflected.

    Raises SpuriousError for a kernel that is even or reaches beyond the reflected border, and for a sigma that
    is not positive.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise SpuriousError(f"smoothing: kernel {kernel} is not a positive odd number of taps")
    if sigma <= 0:
        raise SpuriousError(f"smoothing: blur_sigma {sigma} is not positive")
    height, width = images.shape[2:]
    if kernel // 2 >= min(height, width):
        raise SpuriousError(f"smoothing: kernel {kernel} is too large for images of {height}x{width} pixels")
    return gaussian_blur2d(images, (kernel, kernel), (sigma, sigma))


def majority(ns: Tensor, ss: Tensor, ds: Tensor) -> Tensor:
    """The class (N,) that at least two of the three views name, REJECTED where all three differ."""
    blurred = torch.where(ss == ds, ss, REJECTED)
    return torch.where((ns == ss) | (ns == ds), ns, blurred)


def sweep(
    batches: Iterable[Batch],
    classify: Callable[[Tensor], Tensor],
    settings: SmoothingSettings,
    prepare: Callable[[Tensor], Tensor] = lambda view: view,
) -> Iterator[Row]:
    """Rows of every image under every sigma and kernel, batch by batch.

    A batch holds images (N, C, H, W), or a list of (C, H, W) whose sizes differ, float32 in [0, 1]. Every
    view is made at the image's own resolution, then `prepare` maps it, (n, C, H, W), to what `classify` takes;
    of a list, n is 1 and the prepared views must be of one size. `classify` returns class indices (N,).
    Noise is drawn once per image and sigma, and the unblurred view classified once, for all kernels.
    """
    for ids, images, labels in batches:
        for sigma in settings.sigmas:
            unblurred, *blurred = _classify_views(ids, images, sigma, classify, settings, prepare)
            for kernel, ss, ds in zip(settings.kernels, blurred[::2], blurred[1::2], strict=True):
                columns = labels, unblurred, ss, ds, majority(unblurred, ss, ds)
                for name, (label, *classes) in zip(ids, torch.stack(columns, dim=1).tolist(), strict=True):
                    yield Row(name, label, kernel, float(sigma), *classes)


def _classify_views(
    ids: Sequence[str],
    images: Tensor | Sequence[Tensor],
    sigma: float,
    classify: Callable[[Tensor], Tensor],
    settings: SmoothingSettings,
    prepare: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """Classes (N,) on the CPU of each view that `_views` yields."""
    if isinstance(images, Tensor):
        blocks = [(ids, images)]
    else:
        blocks = [([name], image[None]) for name, image in zip(ids, images, strict=True)]
    prepared = [[prepare(view) for view in _views(block, names, sigma, settings)] for names, block in blocks]
    return [classify(torch.cat(parts)).cpu() for parts in zip(*prepared, strict=True)]


def _views(images: Tensor, ids: Sequence[str], sigma: float, settings: SmoothingSettings) -> Iterator[Tensor]:
    """The noisy images, then for each kernel the same blurred once and twice."""
    noisy = add_noise(images, ids, sigma, settings.seed)
    yield noisy
    for kernel in settings.kernels:
        once = blur(noisy, kernel, settings.blur_sigma)
        yield once
        yield blur(once, kernel, settings.blur_sigma)
