"""Gaussian blur, and which images it can be applied to."""

from kornia.filters import gaussian_blur2d
from torch import Tensor

from spurious.errors import SpuriousError


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
    check_size(size, kernel)


def check_size(size: tuple[int, int], kernel: int) -> None:
    """Raise SpuriousError where a window of `kernel` x `kernel` pixels reaches beyond the reflected border."""
    if kernel // 2 >= min(size):
        height, width = size
        raise SpuriousError(
            f"its {height}x{width} pixels are too few for a kernel of {kernel}; leave it out or choose a smaller kernel"
        )
