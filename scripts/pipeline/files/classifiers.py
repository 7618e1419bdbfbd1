"""The classifier of a file: trained here, torchvision's, or a program that was supplied."""

import hashlib
from pathlib import Path

import torch

from pipeline.files.photographs import sha256_of
from pipeline.files.weights import load_classifier
from pipeline.jobs.progress import tell
from spurious.classifiers.entries import Architecture, ClassifierEntry, Torchvision
from spurious.errors import SpuriousError
from spurious.views.preprocessing import Preprocessing


def open_classifier(
    path: str | Path,
    entry: ClassifierEntry,
    device: torch.device,
    *,
    precision: str = "float32",
    accelerated: bool = True,
) -> tuple[torch.nn.Module, Preprocessing]:
    """The classifier that an entry of `classifiers:` describes, and what it wants done to an image of any size.

    The module maps float32 images (N, C, h, w) in [0, 1], so prepared, to float32 logits (N, classes). Its parameters
    are frozen. `precision` "bfloat16" computes in it where that is safe; what was trained here stays float32. Ask for
    `accelerated=False` to differentiate it. What is set right about a program is told on stderr, once. The file's
    sha256 is checked before anything in it is opened. Raises SpuriousError, naming the file, where it is not what the
    entry says.
    """
    if isinstance(entry, Architecture):
        return load_classifier(path, device, entry.parameters()), Preprocessing()
    # torchvision, which takes a second: what was trained here does without
    from spurious.classifiers.pretrained import Classifier, accelerate, open_pretrained, preprocessing_of

    try:
        preprocessing = preprocessing_of(entry)
        model = open_pretrained(_checked(path, _sha256(entry)), entry, device, lambda text: tell(f"{path}: {text}"))
    except SpuriousError as error:
        raise SpuriousError(f"{path}: {error}") from None
    if accelerated and isinstance(entry, Torchvision) and device.type == "cpu":
        return accelerate(model, preprocessing.crop, precision), preprocessing
    return Classifier(model, precision), preprocessing


def is_file_of(path: str | Path, entry: ClassifierEntry) -> bool:
    """Whether the file is there and has the sha256 of an entry that is not trained here."""
    return Path(path).is_file() and sha256_of(path).startswith(_sha256(entry))


def _sha256(entry: ClassifierEntry) -> str:
    if isinstance(entry, Torchvision) and entry.sha256 is None:
        from spurious.classifiers.pretrained import published_file

        return published_file(entry.torchvision, entry.weights).sha256
    return entry.sha256.lower()


def _checked(path: str | Path, sha256: str) -> bytes:
    """The content of the file, if its sha256 starts with these digits."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SpuriousError(f"cannot be read ({error.strerror}); delete it and run again") from None
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise SpuriousError(f"wrong sha256 {found}, wanted {sha256}; delete it and run again, or change sha256")
    return content
