"""What a defence makes of images before they are classified, with a gradient for attacks."""

from torch import Tensor

from spurious.views.preprocessing import Preprocessing, prepare
from spurious.views.registry import View
from spurious.views.viewer import view_of


def look(view: View, images: Tensor, kernel: int, sigma: float, preprocessing: Preprocessing) -> Tensor:
    """The view (N, C, h, w) of images (N, C, H, W) in [0, 1], as `view_of` makes it, to the last bit.

    Its gradient is the view's own, or that of what stands in for it: Athalye, Carlini and Wagner, "Obfuscated gradients
    give a false sense of security", ICML (2018), section 4.1. Raises SpuriousError as `view_of`.
    """
    own = kernel if view.swept else None
    if view.gradient == "exact":
        return view_of(view, images, own, sigma, preprocessing)
    seen = view_of(view, images.detach(), own, sigma, preprocessing)
    smooth = prepare(view.smooth(images), preprocessing)
    return seen + (smooth - smooth.detach())
