"""What a classifier wants done to an image of any size: resizing and cropping, its settings and the doing."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from spurious.errors import SpuriousError
from spurious.registry import Settings

if TYPE_CHECKING:  # planning reads settings without torch
    from torch import Tensor

Pixels = Annotated[int, Field(ge=1, description="pixels that the short side of an image is resized to, 1 or more")]
Crop = Annotated[
    int, Field(ge=1, description="height and width in pixels of the centre that is cropped, at most resize")
]
Interpolation = Annotated[
    Literal["bilinear", "bicubic"], Field(description="how images are resized, bilinear or bicubic")
]


class Preprocessing(Settings):
    """What a classifier wants done to an image of any size: its short side resized to `resize`, its centre cropped.

    None leaves the step out. Normalization is not part of it: it is the classifier's first layer.
    """

    resize: Pixels | None = None
    crop: Crop | None = None
    interpolation: Interpolation = "bilinear"

    @model_validator(mode="after")
    def _crop_within(self) -> Self:
        if self.crop is not None and (self.resize is None or self.crop > self.resize):
            raise SpuriousError(f"a crop of {self.crop} pixels needs a resize to at least as many, not {self.resize}")
        return self


def prepare(images: "Tensor", preprocessing: Preprocessing, *, antialias: bool = False) -> "Tensor":
    """Images (N, C, H, W), the short side resized and the middle cropped by torchvision's transforms on tensors."""
    if preprocessing.resize is not None:
        from spurious.vision import InterpolationMode, transforms  # costs .5 s, and not every sweep resizes

        mode = InterpolationMode(preprocessing.interpolation)
        images = transforms.resize(images, [preprocessing.resize], interpolation=mode, antialias=antialias)
        images = images if preprocessing.crop is None else transforms.center_crop(images, preprocessing.crop)
    return images
