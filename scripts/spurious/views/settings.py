"""How noise gets into an image, and the image into a classifier: what the variants of the sweep change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from spurious.perturbations.noises import Noise
from spurious.registry import Settings

if TYPE_CHECKING:  # planning reads settings without torch
    from torch import Tensor


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
