"""Images of noise, each from an image of the same shape: what training gets fresh, and where attacks start."""

from collections.abc import Callable

import torch
from torch import Tensor

# A function of images (N, C, H, W), float32 in [0, 1], and a CPU generator to as many images of noise in [0, 1]. Those
# that need no image read its shape alone.
Draw = Callable[[Tensor, torch.Generator], Tensor]

BRIGHT = 0.1  # the share of the pixels of sparse noise that are above 0, and the largest pixel of dark noise
SIGMAS = (1.0, 2.5)  # of the low-pass, in pixels


def uniform(images: Tensor, generator: torch.Generator) -> Tensor:
    """U[0, 1]."""
    return torch.rand(images.shape, generator=generator)


def sparse(images: Tensor, generator: torch.Generator) -> Tensor:
    """U[0, 1] in every tenth pixel, 0 elsewhere."""
    bright = torch.rand(images.shape, generator=generator) < BRIGHT
    return bright * torch.rand(images.shape, generator=generator)


def dark(images: Tensor, generator: torch.Generator) -> Tensor:
    """U[0, .1]."""
    return BRIGHT * torch.rand(images.shape, generator=generator)


def permuted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image with its pixels in a random order of its own, the channels of a pixel together."""
    order = torch.rand((len(images), 1, images[0, 0].numel()), generator=generator).argsort(2)
    return images.flatten(2).gather(2, order.expand(-1, images.shape[1], -1)).view_as(images)


def low_passed(images: Tensor, generator: torch.Generator) -> Tensor:
    """U[0, 1] after `blurred`."""
    return blurred(uniform(images, generator), generator)


def mixture(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pixels of the first half of the images permuted, U[0, 1] for the others; then `blurred`.

    The noise of Hein et al., "Why ReLU networks yield high-confidence predictions far away from the training data and
    how to mitigate the problem", CVPR (2019), section 4.
    """
    half = len(images) // 2
    parts = [permuted(images[:half], generator)] if half else []
    return blurred(torch.cat([*parts, uniform(images[half:], generator)]), generator)


def blurred(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image under a Gaussian blur of its own sigma from U[1, 2.5] pixels, then stretched to [0, 1].

    At the border the weights of the pixels inside sum to 1. An image of one value becomes 0.
    """
    low, high = SIGMAS
    sigmas = low + (high - low) * torch.rand((len(images), 1, 1, 1), generator=generator)
    rows, columns = (_blur_matrix(size, sigmas) for size in images.shape[2:])
    smooth = rows @ images @ columns.mT
    least, most = smooth.amin((1, 2, 3), keepdim=True), smooth.amax((1, 2, 3), keepdim=True)
    return (smooth - least) / (most - least).clamp(min=torch.finfo(smooth.dtype).eps)


def _blur_matrix(size: int, sigmas: Tensor) -> Tensor:
    """(N, 1, size, size): every row weighs the pixels of a line by their distance to its own; sigmas (N, 1, 1, 1)."""
    places = torch.arange(size)
    weights = torch.exp(-((places - places[:, None]) ** 2) / (2 * sigmas**2))
    return weights / weights.sum(-1, keepdim=True)


NOISE: dict[str, Draw] = {
    "uniform": uniform,
    "sparse": sparse,
    "dark": dark,
    "low-passed": low_passed,
    "permuted": permuted,
    "mixture": mixture,
}
