"""Resizing and cropping as a classifier wants it."""

from torch import Tensor

from spurious.views.settings import Preprocessing


def prepare(images: Tensor, preprocessing: Preprocessing, *, antialias: bool = False) -> Tensor:
    """Images (N, C, H, W), the short side resized and the middle cropped by torchvision's transforms on tensors."""
    if preprocessing.resize is not None:
        from spurious.vision import InterpolationMode, transforms  # costs .5 s, and not every sweep resizes

        mode = InterpolationMode(preprocessing.interpolation)
        images = transforms.resize(images, [preprocessing.resize], interpolation=mode, antialias=antialias)
        images = images if preprocessing.crop is None else transforms.center_crop(images, preprocessing.crop)
    return images
