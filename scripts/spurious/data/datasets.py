"""Datasets as tensors: what a split is, and how the digits, IDX files and own arrays become one."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spurious.data import idx
from spurious.data.archives import read_arrays
from spurious.errors import SpuriousError, reason_of
from spurious.seeding import for_scikit_learn
from spurious.wording import plural

SPLITS = ("train", "validation", "test")
CHANNELS = (1, 3, 4)  # of an own dataset: grey, colours, colours and alpha
LEADING = (1, 3)  # of those, the numbers that are looked for before height and width
IDX_KEYS = ("train_images", "train_labels", "test_images", "test_labels")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Images by split, uint8 (N, C, H, W) of 0..255, with labels int64 (N,) in 0..classes-1."""

    images: dict[str, Tensor]
    labels: dict[str, Tensor]
    classes: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        return tuple(self.images["train"].shape[1:])

    def pixels(self, split: str) -> Tensor:
        """The images of a split as float32 in [0, 1], (N, C, H, W)."""
        return to_float(self.images[split])

    def of_label(self, label: int) -> Tensor:
        """All training images of one label, float32 in [0, 1]."""
        return to_float(self.images["train"][self.labels["train"] == label])


def to_float(images: Tensor) -> Tensor:
    """uint8 of 0..255 to float32 in [0, 1]."""
    return images.float().div_(255)


def from_tensors(tensors: dict[str, Tensor]) -> Dataset:
    """The dataset of the tensors `<split>_images` and `<split>_labels`.

    Raises SpuriousError where a split is missing or its images and labels do not fit together.
    """
    for split in SPLITS:
        for kind in ("images", "labels"):
            if f"{split}_{kind}" not in tensors:
                raise SpuriousError(f"the tensor {split}_{kind} is missing")
        if len(tensors[f"{split}_images"]) != len(tensors[f"{split}_labels"]):
            raise SpuriousError(f"{split}_images and {split}_labels differ in length")
    return Dataset(
        images={split: tensors[f"{split}_images"] for split in SPLITS},
        labels={split: tensors[f"{split}_labels"] for split in SPLITS},
        classes=int(max(tensors[f"{split}_labels"].max() for split in SPLITS)) + 1,
    )


def digits(size: int, validation: int, test: int, seed: int) -> Dataset:
    """scikit-learn's 1,797 handwritten digits, 8x8 with values 0..16, resized to `size` x `size` pixels.

    `validation` and `test` images are set aside by a stratified split of `seed`; raises SpuriousError
    where that leaves a label without an image.
    """
    from sklearn.datasets import load_digits

    from spurious.vision import resize

    bunch = load_digits()
    images = resize(torch.from_numpy(bunch.images).float().unsqueeze(1) / 16, size)
    stored = images.mul(255).round().to(torch.uint8)
    return _split(stored, torch.from_numpy(bunch.target).long(), "digits", validation, test, seed)


def from_idx(contents: Mapping[str, bytes], names: Mapping[str, str], validation: int) -> Dataset:
    """A dataset of four IDX files, packed or not; `contents` and `names` have the keys IDX_KEYS.

    The first `validation` training images are the validation split. Raises SpuriousError where a file is
    no IDX file or does not fit to the others, and where a label has no training image.
    """
    images, labels = {}, {}
    for part in ("train", "test"):
        images[part], labels[part] = _idx_pair(contents, names, part)
    if images["train"].shape[1:] != images["test"].shape[1:]:
        raise SpuriousError(
            f"{names['test_images']}: its images differ in size from {names['train_images']}; give files that belong "
            "together in config.yaml"
        )
    if not 0 < validation < len(images["train"]):
        raise SpuriousError(
            f"{names['train_images']}: validation = {validation} of {plural(len(images['train']), 'image')} leaves an "
            "empty split; change it in config.yaml"
        )
    for tensors in (images, labels):
        train = tensors["train"]
        tensors["validation"], tensors["train"] = train[:validation], train[validation:]
    _check_training_labels(
        labels,
        names["train_labels"],
        f"in config.yaml lower validation = {validation}, or give files with images of every label",
    )
    classes = int(max(labels[split].max() for split in SPLITS)) + 1
    return Dataset(images=images, labels=labels, classes=classes)


def _check_training_labels(labels: Mapping[str, Tensor], name: str, remedy: str) -> None:
    """Refuse labels (N,) by split of which one has no training image: the searches need references of every label."""
    classes = max(own.max() for own in labels.values()) + 1
    missing = (labels["train"].bincount(minlength=int(classes)) == 0).nonzero().flatten().tolist()
    if missing:
        raise SpuriousError(f"{name}: the label {missing[0]} has no training image; {remedy}")


def _idx_pair(contents: Mapping[str, bytes], names: Mapping[str, str], part: str) -> tuple[Tensor, Tensor]:
    """Images and labels of "train" or "test", equal in number."""
    parsed = {}
    for kind, parse in (("images", idx.parse_images), ("labels", idx.parse_labels)):
        name = names[f"{part}_{kind}"]
        parsed[kind] = parse(idx.unpack(contents[f"{part}_{kind}"], name), name)
    if len(parsed["images"]) != len(parsed["labels"]):
        raise SpuriousError(
            f"{names[f'{part}_labels']}: {plural(len(parsed['labels']), 'label')} for the "
            f"{plural(len(parsed['images']), 'image')} of {names[f'{part}_images']}; give files that belong "
            "together in config.yaml"
        )
    return parsed["images"], parsed["labels"]


def from_npz(content: bytes, name: str, validation: int, test: int, seed: int) -> Dataset:
    """An own dataset: an .npz file of `images`, uint8 (N, H, W) or (N, H, W, C), and `labels`, integers 0..K-1.

    C is 1, 3 or 4: the figures can draw no other. Channels may stand before the height, (N, C, H, W) with a C of 1 or
    3. Split as `digits`. Raises SpuriousError, naming `name`, where the arrays are not as described, or where the
    channels may stand in either place.
    """
    images, labels = _load_npz(content, name)
    _check_arrays(images, labels, name)
    channels_first = torch.from_numpy(np.ascontiguousarray(_channels_first(images, name)))
    return _split(channels_first, torch.from_numpy(labels.astype(np.int64)), name, validation, test, seed)


def _channels_first(images: np.ndarray, name: str) -> np.ndarray:
    """The images as (N, C, H, W), whichever axis their channels are."""
    if images.ndim == 3:
        return images[:, None]
    leading, trailing = images.shape[1] in LEADING, images.shape[3] in CHANNELS
    if leading and trailing:
        raise SpuriousError(
            f"{name}: 'images' is {images.shape}, which may be (N, C, H, W) as well as (N, H, W, C); save grey images "
            f"as (N, H, W), and pad others to sides other than {', '.join(map(str, CHANNELS))}"
        )
    if not leading and not trailing:
        raise SpuriousError(
            f"{name}: 'images' is {images.shape}, with {images.shape[3]} channels; save it as (N, H, W, C) with a C of "
            f"{', '.join(map(str, CHANNELS))}"
        )
    return images if leading else images.transpose(0, 3, 1, 2)


def _load_npz(content: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        images, labels = read_arrays(io.BytesIO(content), "images", "labels")
        return images, labels
    except KeyError:
        raise SpuriousError(f"{name}: needs the arrays 'images' and 'labels'; save it with numpy.savez") from None
    except Exception as error:  # for other content numpy and zipfile raise almost anything
        reason = reason_of(error)[:200]
        raise SpuriousError(f"{name}: not a readable .npz file ({reason}); save it with numpy.savez") from None


def _check_arrays(images: np.ndarray, labels: np.ndarray, name: str) -> None:
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.size == 0:
        raise SpuriousError(
            f"{name}: 'images' is {images.dtype} {images.shape}; save it as uint8 (N, H, W) or (N, H, W, C)"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise SpuriousError(
            f"{name}: 'labels' is {labels.dtype} {labels.shape}; save it as integers, one for each of "
            f"{plural(len(images), 'image')}"
        )
    found = np.unique(labels)
    if not np.array_equal(found, np.arange(len(found))):
        raise SpuriousError(
            f"{name}: the labels run from {found[0]} to {found[-1]} but {len(found)} occur; number them 0..K-1"
        )


def _split(images: Tensor, labels: Tensor, name: str, validation: int, test: int, seed: int) -> Dataset:
    """Stratified by label; within a split the images stand in random order."""
    from sklearn.model_selection import train_test_split

    everything, state = np.arange(len(labels)), for_scikit_learn(seed)
    try:
        rest, tested = train_test_split(everything, test_size=test, stratify=labels, random_state=state)
        trained, validated = train_test_split(rest, test_size=validation, stratify=labels[rest], random_state=state)
    except ValueError as error:
        reason = reason_of(error)
        raise SpuriousError(
            f"{name}: {plural(len(labels), 'image')} cannot be split into validation = {validation} and test = {test} "
            f"({reason}); change these numbers in config.yaml"
        ) from None
    indices = dict(zip(SPLITS, map(torch.from_numpy, (trained, validated, tested)), strict=True))
    own = {split: labels[index] for split, index in indices.items()}
    _check_training_labels(own, name, f"lower validation = {validation} or test = {test} in config.yaml")
    return Dataset(
        images={split: images[index] for split, index in indices.items()}, labels=own, classes=int(labels.max()) + 1
    )
