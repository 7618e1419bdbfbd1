"""Images of something else than a dataset shows, without a download: what a classifier should not be sure of."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # planning reads the names without torch
    from torch import Generator, Tensor

CUT = 64  # pixels of a photograph on each side of a cut

# A function of (number of images, their shape (C, H, W), a CPU generator) to float32 images (N, C, H, W) in [0, 1].
Elsewhere = Callable[[int, tuple[int, int, int], "Generator"], "Tensor"]


def digits(count: int, shape: tuple[int, int, int], generator: "Generator") -> "Tensor":
    """Different ones of scikit-learn's 1,797 handwritten digits, 8x8; all of them where `count` is larger.

    Each fills its image, as in the dataset of that name: resized by antialiased bicubic interpolation.
    """
    import torch
    from sklearn.datasets import load_digits

    images = torch.from_numpy(load_digits().images).float().unsqueeze(1) / 16
    chosen = torch.randperm(len(images), generator=generator)[:count]
    return resized(images[chosen], shape)


def photographs(count: int, shape: tuple[int, int, int], generator: "Generator") -> "Tensor":
    """Cuts of 64x64 pixels of scikit-learn's two photographs (a temple, a flower), at random places; many overlap.

    Grey, the mean of the channels, unless the images have three; resized as the digits.
    """
    import torch
    from sklearn.datasets import load_sample_images

    from spurious.data.datasets import to_float

    pages = [to_float(torch.from_numpy(page.copy())).movedim(2, 0) for page in load_sample_images().images]
    cuts = []
    for number in torch.randint(len(pages), (count,), generator=generator).tolist():
        page = pages[number]
        top, left = (int(torch.randint(size - CUT + 1, (), generator=generator)) for size in page.shape[1:])
        cuts.append(page[:, top : top + CUT, left : left + CUT])
    images = torch.stack(cuts)
    return resized(images if shape[0] == images.shape[1] else images.mean(1, keepdim=True), shape)


def resized(images: "Tensor", shape: tuple[int, int, int]) -> "Tensor":
    """Images (N, 1 or C, H', W') in [0, 1] to (N, C, H, W): antialiased bicubic, clamped; one channel is repeated."""
    from torch.nn.functional import interpolate  # as vision.resize: importing torchvision costs every retraining .5 s

    smooth = interpolate(images, size=shape[1:], mode="bicubic", antialias=True, align_corners=False)
    return smooth.clamp(0, 1).expand(-1, shape[0], -1, -1).contiguous()


ELSEWHERE: dict[str, Elsewhere] = {"digits": digits, "photographs": photographs}
