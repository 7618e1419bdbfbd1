"""What fooling starts from: test images, photographs as the classifier takes them, or noise."""

from collections.abc import Iterable

import torch
from torch import Tensor

from spurious.attacks.entries import Attack
from spurious.attacks.targets import NO_LABEL
from spurious.attacks.within import Starts
from spurious.errors import SpuriousError
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.perturbations.starts import IMAGE, attack_starts
from spurious.views.preprocessing import Preprocessing


def starts_of(method: Attack, tests: Starts, settings: FoolingSettings, seed: int) -> Starts:
    """What a method starts from: as many images as it is to have, of `tests`, or others, numbered, with NO_LABEL."""
    count = method.images or settings.images
    if method.start == IMAGE:
        return tests.first(count)
    images = attack_starts(method.start, range(count), tests.images[:1], seed)
    return Starts(ids=range(count), images=images, labels=torch.full((count,), NO_LABEL))


def images_wanted(settings: FoolingSettings) -> int:
    """How many test images: as many as any method that starts from one is to have."""
    own = [method for method in settings.methods.values() if method.start == IMAGE]
    return max((method.images or settings.images for method in own), default=settings.images)


def of_one_size(photographs: Iterable[Tensor], preprocessing: Preprocessing) -> Tensor:
    """Photographs, float32 (1, C, H, W) in [0, 1], resized and cropped as published: (N, C, h, w).

    Raises SpuriousError where they then differ in size.
    """
    from spurious.views import bands  # costs the import of kornia, which tensors do without

    images = [bands.prepare(image, preprocessing).clamp(0, 1) for image in photographs]  # a bicubic resize goes beyond
    if len({image.shape for image in images}) > 1:
        raise SpuriousError("photographs of different sizes; give the classifier a resize and a crop")
    return torch.cat(images)
