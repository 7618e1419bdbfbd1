"""Views with less information: compressed as JPEG, and with fewer bits per channel."""

from typing import TYPE_CHECKING

from pydantic import Field

from spurious.errors import SpuriousError
from spurious.views.registry import ColumnName, View

if TYPE_CHECKING:
    from torch import Tensor


class Jpeg(View, kind="jpeg"):
    """Coded and decoded as JPEG of a `quality` (Guo et al., ICLR 2018), by kornia's differentiable codec.

    The codec rounds smoothly: pixels differ a little from those of libjpeg. Its gradient vanishes near every whole
    coefficient, so that an attack takes the identity instead. Grey images are coded as grey in all three channels.
    """

    words = "JPEG-compressed"
    gradient = "identity"
    name: ColumnName = "jpeg"
    quality: int = Field(75, ge=1, le=100, description="quality of the JPEG, a whole number from 1 to 100")

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """Pixels are clamped to [0, 1] first. SpuriousError for images of neither one nor three channels."""
        import torch
        from kornia.enhance import jpeg_codec_differentiable

        channels = images.shape[1]
        if channels not in (1, 3):
            raise SpuriousError(f"the view {self.name!r} codes images of 1 or 3 channels, not {channels}; leave it out")
        quality = torch.tensor([float(self.quality)], device=images.device)
        coded = jpeg_codec_differentiable(images.clamp(0, 1).expand(-1, 3, -1, -1), quality)
        return coded if channels == 3 else coded.mean(dim=1, keepdim=True)


class FewerBits(View, kind="bits"):
    """The highest `bits` of the 8 bits of every channel, the others 0 (after Xu et al., NDSS 2018, who round)."""

    words = "fewer bits"
    gradient = "identity"
    name: ColumnName = "bits"
    bits: int = Field(4, ge=1, le=7, description="bits of a channel that are kept, a whole number from 1 to 7")

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """Pixels are clamped to [0, 1] first."""
        from kornia.enhance import posterize

        return posterize(images.clamp(0, 1), self.bits)
