"""The classifier of a file: trained here, torchvision's, or a program that was brought along."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.files.tensors import load_classifier
from spurious.classifiers.pretrained import Classifier, accelerate, open_pretrained, preprocessing_of, published_file
from spurious.errors import SpuriousError
from spurious.settings import Preprocessing

_NOT_ARCHITECTURE = ("recipe", "published_as")


def open_classifier(
    path: str | Path,
    settings: Mapping[str, Any],
    device: torch.device,
    *,
    precision: str = "float32",
    accelerated: bool = True,
) -> tuple[torch.nn.Module, Preprocessing]:
    """The classifier that an entry of `classifiers:` describes, and what it wants done to an image of any size.

    The module maps float32 images (N, C, h, w) in [0, 1], so prepared, to float32 logits (N, classes). Its parameters
    are frozen. `precision` "bfloat16" computes in it where that is safe; what was trained here stays float32. Ask for
    `accelerated=False` to differentiate it. The file's sha256 is checked before anything in it is opened. Raises
    SpuriousError, naming the file, where it is not what the entry says.
    """
    if "architecture" in settings:
        architecture = {key: value for key, value in settings.items() if key not in _NOT_ARCHITECTURE}
        return load_classifier(path, device, architecture), Preprocessing()
    try:
        preprocessing = preprocessing_of(settings)
        model = open_pretrained(_checked(path, _sha256(settings)), settings, device)
    except SpuriousError as error:
        raise SpuriousError(f"{path}: {error}") from None
    if accelerated and "torchvision" in settings and device.type == "cpu":
        return accelerate(model, preprocessing.crop, precision), preprocessing
    return Classifier(model, precision), preprocessing


def _sha256(settings: Mapping[str, Any]) -> str:
    if "torchvision" in settings and "sha256" not in settings:
        return published_file(settings["torchvision"], settings["weights"]).sha256
    return settings["sha256"].lower()


def _checked(path: str | Path, sha256: str) -> bytes:
    """The content of the file, if its sha256 starts with these digits."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SpuriousError(f"cannot be read ({error.strerror}); delete it and run again") from None
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise SpuriousError(f"wrong sha256 {found}, wanted {sha256}; delete it and run again, or mend sha256")
    return content
