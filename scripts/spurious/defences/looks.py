"""What a defence lets its classifier see of images; imports torch only when called."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from spurious.registry import parse
from spurious.views.kinds import View

if TYPE_CHECKING:  # planning reads the looks of defences without torch
    from torch import Tensor

    from spurious.views.preprocessing import Preprocessing


class Look(Protocol):
    """Images as a classifier gets them. Equal looks are seen once where several defences judge the same images."""

    @property
    def name(self) -> str:
        """Its column, by which `words_of` names it."""

    def __call__(self, images: "Tensor", preprocessing: "Preprocessing") -> "Tensor":
        """Images (N, C, h, w), resized and cropped, of images (N, C, H, W) in [0, 1]; differentiable.

        What is seen of an image must not depend on the others.
        """


@dataclass(frozen=True)
class Viewed:
    """A view of the images, to the last bit as `view_of` makes it, under a blur of `kernel` taps and `sigma` pixels.

    Its gradient is the view's own, or that of what stands in for it: Athalye, Carlini and Wagner, "Obfuscated gradients
    give a false sense of security", ICML (2018), section 4.1. Raises SpuriousError as `view_of`.
    """

    view: View
    kernel: int | None = None
    sigma: float = 1.0

    @property
    def name(self) -> str:
        """That of the view."""
        return self.view.name

    def __call__(self, images: "Tensor", preprocessing: "Preprocessing") -> "Tensor":
        """Images (N, C, h, w) of images (N, C, H, W)."""
        from spurious.views.preprocessing import prepare
        from spurious.views.viewer import view_of

        if self.view.gradient == "exact":
            return view_of(self.view, images, self.kernel, self.sigma, preprocessing)
        seen = view_of(self.view, images.detach(), self.kernel, self.sigma, preprocessing)
        smooth = prepare(self.view.smooth(images), preprocessing)
        return seen + (smooth - smooth.detach())


AS_IT_IS = Viewed(parse(View, "ns"))
