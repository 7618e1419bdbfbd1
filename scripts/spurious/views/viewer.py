"""The views that the vote compares: `prepare(view(noisy, kernel, sigma))` of every view and kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from spurious.errors import SpuriousError
from spurious.views import bands
from spurious.views.preprocessing import Preprocessing, prepare
from spurious.views.registry import View

if TYPE_CHECKING:  # who makes views without noise does not depend on the noises
    from spurious.views.settings import Variant


def view_of(
    view: View,
    noisy: Tensor,
    kernel: int | None,
    sigma: float,
    preprocessing: Preprocessing,
    *,
    antialias: bool = False,
) -> Tensor:
    """One view (N, C, h, w) of noisy images (N, C, H, W): filtered at their own size, then resized and cropped.

    This is what every view is. Blurs are taken together with resizing and cropping, which changes rounding only.
    Raises SpuriousError where the view gives no finite pixels of the same shape.

    >>> import torch
    >>> from spurious.registry import parse
    >>> from spurious.views.kinds import View
    >>> from spurious.views.preprocessing import Preprocessing
    >>> from spurious.views.viewer import view_of
    >>> point = torch.zeros(1, 1, 5, 5)
    >>> point[0, 0, 2, 2] = 1
    >>> once = view_of(parse(View, "ss"), point, 3, 1.0, Preprocessing())  # 3 x 3 taps, sigma of one pixel
    >>> [round(value, 3) for value in once[0, 0, 2].tolist()]
    [0.0, 0.124, 0.204, 0.124, 0.0]
    """
    if view.blurs is not None:
        return bands.blur_and_prepare(noisy, view.blurs, kernel or 1, sigma, preprocessing, antialias=antialias)
    seen = view(noisy, kernel, sigma)
    if seen.shape != noisy.shape:
        raise SpuriousError(
            f"the view {view.name!r} makes {tuple(seen.shape)} of images {tuple(noisy.shape)}; it must keep their size"
        )
    if not seen.isfinite().all():
        raise SpuriousError(f"the view {view.name!r} gives NaN or infinite pixels; fix it or leave it out")
    return prepare(seen, preprocessing, antialias=antialias)


class Sweep(Protocol):
    """The settings that a viewer needs: views, sizes of the blur in taps, and its standard deviation in pixels."""

    views: tuple[View, ...]
    kernels: tuple[int, ...]
    blur_sigma: float


class Viewer:
    """Makes every view of images of any size for one classifier.

    `preprocessing` is the classifier's; `settings` has the views, the kernels and the blur, `variant` how noise is
    added. `passes` are the views that are made, in this order: first those that are not swept (kernel None), then
    the others with each kernel.
    """

    def __init__(self, preprocessing: Preprocessing, settings: Sweep, variant: "Variant"):
        self.preprocessing, self.settings, self.variant = preprocessing, settings, variant
        self.passes = [(view, None) for view in settings.views if not view.swept]
        self.passes += [(view, kernel) for kernel in settings.kernels for view in settings.views if view.swept]

    def views(self, images: Tensor, ids: Sequence[str], sigma: float, seed: int) -> Tensor:
        """Views (N, V, C, h, w) of images (N, C, H, W), float32 in [0, 1], under noise of `sigma` and `seed`.

        V is that of `passes`. h and w are what the preprocessing makes of H and W. As published (variant), noise is
        added and clamped and blurred at H x W; with `noise_at` "prepared" all of it happens at h x w. Raises
        SpuriousError, naming the image, where it is too small for a kernel or for the noise's channels, and as
        `view_of`.
        """
        preparation, antialias = self.preprocessing, self.variant.antialias
        blur_sigma = self.settings.blur_sigma
        try:
            if self.variant.noise_at == "prepared":
                images = bands.prepare(images, preparation, antialias=antialias)
                preparation = Preprocessing()
            noisy = self.variant.noisy(images, ids, sigma, seed)
            views = [
                view_of(view, noisy, kernel, blur_sigma, preparation, antialias=antialias)
                for view, kernel in self.passes
            ]
            return torch.stack(views, dim=1)
        except SpuriousError as error:
            raise SpuriousError(f"image {ids[0]}: {error}") from None

    def places(self, kernel: int) -> list[int]:
        """Where the views are among `passes`, in the order of the settings; those that are swept with `kernel`."""
        return [self.passes.index((view, kernel if view.swept else None)) for view in self.settings.views]
