"""Views under filters that no convolution is: the median and the bilateral filter."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from spurious.parameters import Odd
from spurious.views.registry import ColumnName, View

if TYPE_CHECKING:
    from torch import Tensor


Window = Annotated[int, Odd(), Field(ge=3, description="side of the window in pixels, an odd number of 3 or more")]


class Median(View, kind="median"):
    """Each channel's median in a window of `size` x `size` pixels, border reflected (Xu et al., NDSS 2018).

    Its gradient leads through one pixel of each window; the mean of the window stands in for it.
    """

    words = "median-filtered"
    gradient = "stand-in"
    name: ColumnName = "median"
    size: Window = 3

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """SpuriousError where an image has fewer pixels than the window reaches."""
        from kornia.filters import median_blur

        from spurious.views.blur import check_size

        check_size(tuple(images.shape[2:]), self.size)
        return median_blur(images, (self.size, self.size))

    def smooth(self, images: "Tensor") -> "Tensor":
        """The mean of the same window."""
        from kornia.filters import box_blur

        return box_blur(images, (self.size, self.size))


class Bilateral(View, kind="bilateral"):
    """The bilateral filter in a window of `size` x `size` pixels, border reflected (Tomasi and Manduchi, ICCV 1998).

    A neighbour counts by its distance (a Gaussian of `distance` pixels) and by the L1 difference of its colours (a
    Gaussian of `contrast`, in pixel units of [0, 1] summed over the channels).
    """

    words = "bilateral-filtered"
    name: ColumnName = "bilateral"
    size: Window = 5
    distance: float = Field(1.0, gt=0, description="standard deviation of the distance in pixels, above 0")
    contrast: float = Field(0.5, gt=0, description="standard deviation of the colours' difference, above 0")

    def __call__(self, images: "Tensor", kernel: int | None, sigma: float) -> "Tensor":
        """SpuriousError where an image has fewer pixels than the window reaches."""
        from kornia.filters import bilateral_blur

        from spurious.views.blur import check_size

        check_size(tuple(images.shape[2:]), self.size)
        return bilateral_blur(images, self.size, self.contrast, (self.distance, self.distance))
