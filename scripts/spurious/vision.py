"""torchvision's image operations, usable beside any torch.

The torchvision wheel of the package index is compiled against the CUDA build of torch. Beside a CPU-only torch its
compiled library cannot be loaded, and `import torchvision` fails for want of two operator schemas. Nothing here
calls a compiled operator, so declaring these schemas is enough; a matching pair is left as it is.
"""

import importlib.machinery
import importlib.util

import torch
from torch import Tensor

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_NAMES = ("nms", "qnms")


def _load_compiled() -> None:
    """Load torchvision's compiled library, as its import is about to do; where that fails nothing happens."""
    package = importlib.util.find_spec("torchvision")
    folders = list(package.submodule_search_locations or []) if package else []
    library = importlib.machinery.PathFinder.find_spec("_C", folders)
    if library is not None:
        try:
            torch.ops.load_library(library.origin)
        except (ImportError, OSError):
            return


def _declare_missing() -> torch.library.Library | None:
    """Declare the schemas that neither torch nor the compiled library brought; None where all are there."""
    missing = [name for name in _NAMES if not hasattr(torch.ops.torchvision, name)]
    if not missing:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in missing:
        library.define(name + _SCHEMA)
    return library


_load_compiled()
_DECLARED = _declare_missing()  # kept: the schemas vanish with the object

from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms import functional as transforms  # noqa: E402


def resize(images: Tensor, size: int) -> Tensor:
    """Float images (N, C, H, W) in [0, 1] to (N, C, size, size): antialiased bicubic, clamped to [0, 1]."""
    resized = transforms.resize(images, [size, size], interpolation=InterpolationMode.BICUBIC, antialias=True)
    return resized.clamp(0, 1)
