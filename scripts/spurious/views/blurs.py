"""Views of the write-up: blurred not at all, once and twice."""

from typing import TYPE_CHECKING

from spurious.views.registry import ColumnName, View

if TYPE_CHECKING:
    from torch import Tensor


class NotBlurred(View, kind="ns"):
    """The image as it is."""

    words = "not blurred"
    blurs = 0
    name: ColumnName = "ns"

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """The images themselves."""
        return images


class BlurredOnce(View, kind="ss"):
    """The image blurred once."""

    words = "blurred once"
    swept = True
    blurs = 1
    name: ColumnName = "ss"

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """Under a Gaussian of `kernel` taps; SpuriousError as `blur`."""
        from spurious.views.blur import blur

        return blur(images, kernel, sigma)


class BlurredTwice(View, kind="ds"):
    """The image blurred twice."""

    words = "blurred twice"
    swept = True
    blurs = 2
    name: ColumnName = "ds"

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """Under the same Gaussian twice; SpuriousError as `blur`."""
        from spurious.views.blur import blur

        return blur(blur(images, kernel, sigma), kernel, sigma)
