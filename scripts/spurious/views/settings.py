"""Settings of a view: how noise gets into an image, and the image into a classifier."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from spurious.errors import SpuriousError
from spurious.perturbations.noises import Noise
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

    None leaves the step out. Normalization is none of this: it is the classifier's first layer.
    """

    resize: Pixels | None = None
    crop: Crop | None = None
    interpolation: Interpolation = "bilinear"

    @model_validator(mode="after")
    def _crop_within(self) -> Self:
        if self.crop is not None and (self.resize is None or self.crop > self.resize):
            raise SpuriousError(f"a crop of {self.crop} pixels needs a resize to at least as many, not {self.resize}")
        return self


class Variant(Settings):
    """How noise gets into an image and the image into the classifier; the defaults are the published ones.

    `antialias`: whether shrinking averages (torchvision's default since 0.17) or picks (before it, on tensors).
    `noise_at`: "native" adds the noise at the image's own resolution and blurs there, "prepared" does both after
    resizing and cropping. `noise_scale` multiplies sigma, one factor or one per channel: with a normalization's
    standard deviations the noise is that of somebody who adds it to normalized pixels. `clamp`: to [0, 1]. `noise` is
    the kind of noise, and says what sigma means.
    """

    remedy = "how noise gets into an image; what is left out is as published"

    antialias: bool = Field(False, description="whether resizing averages the pixels it drops, false as published")
    noise_at: Literal["native", "prepared"] = Field(
        "native", description="native (at the image's own size, as published) or prepared (after resize and crop)"
    )
    noise_scale: tuple[Annotated[float, Field(ge=0, description="a factor of 0 or more")], ...] = Field(
        (1.0,), min_length=1, description="factors of sigma, [1.0] as published, or one for each channel"
    )
    clamp: bool = Field(True, description="whether noisy pixels are clamped to [0, 1], true as published")
    noise: Noise = Field(
        "gaussian",
        validate_default=True,
        description="a noise, gaussian as published or salt_and_pepper, by name or with its kind and parameters",
    )

    def noisy(self, images: "Tensor", ids: Sequence[str], sigma: float, seed: int) -> "Tensor":
        """Images (N, C, H, W) under noise; the level `sigma`, the seed and its id decide what an image gets."""
        return self.noise(images, ids, sigma, seed, scale=self.noise_scale, clamp=self.clamp)
