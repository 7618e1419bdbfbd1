"""torchvision's image operations and classifiers, usable beside any torch.

The torchvision wheel of the package index is compiled against the CUDA build of torch. Beside a CPU-only torch its
compiled library cannot be loaded, and `import torchvision` fails for want of two operator schemas. Nothing here
calls a compiled operator, so declaring these schemas is enough; a matching pair is left as it is.
"""

import importlib.machinery
import importlib.util
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from spurious.errors import SpuriousError, unknown_name

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

from torchvision import models
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms


def resize(images: Tensor, size: int) -> Tensor:
    """Float images (N, C, H, W) in [0, 1] to (N, C, size, size): antialiased bicubic, clamped to [0, 1]."""
    resized = transforms.resize(images, [size, size], interpolation=InterpolationMode.BICUBIC, antialias=True)
    return resized.clamp(0, 1)


def find_weights(model: str, weights: str) -> models.WeightsEnum:
    """torchvision's description of a classifier's weights: their `url`, and what their `transforms()` do to an image.

    `model` is a name of torchvision.models, `weights` one of its weights. Raises SpuriousError for unknown names.
    """
    if model not in (known := models.list_models(module=models)):
        raise SpuriousError(f"torchvision: {unknown_name('classifier', model, known)}")
    choices = models.get_model_weights(model)
    if weights not in choices.__members__:
        raise SpuriousError(f"weights: {unknown_name('weights', weights, choices.__members__)}")
    return choices[weights]


def build_classifier(model: str, weights: models.WeightsEnum, state: Mapping[str, Tensor] | None = None) -> nn.Module:
    """torchvision's `model` as it is with `weights`, with the parameters of `state`, which would else be downloaded.

    Only a builder that is given weights makes what belongs to them: GoogLeNet and Inception normalize once more,
    vision transformers take another image size, old names of DenseNet's layers are translated. It asks `weights` for
    the parameters, and is told `state`. Without a state, it is the untrained model and its parameters are random.
    Raises RuntimeError where the state does not fit.
    """
    if state is None:
        return models.get_model(model, weights=None)
    weights.get_state_dict = lambda **_: dict(state)
    try:
        return models.get_model(model, weights=weights)
    finally:
        del weights.get_state_dict
