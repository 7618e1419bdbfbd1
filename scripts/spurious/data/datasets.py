"""Datasets as tensors: what a split is, and how the digits, IDX files and own arrays become one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from spurious.data import idx
from spurious.data.own_arrays import parse_npz
from spurious.errors import SpuriousError, reason_of
from spurious.seeding import for_scikit_learn
from spurious.wording import plural

SPLITS = ("train", "validation", "test")
IDX_KEYS = ("train_images", "train_labels", "test_images", "test_labels")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Images by split, uint8 (N, C, H, W) of 0..255, with labels int64 (N,) in 0..classes-1.

    `notes` says what was converted on reading, a line each.
    """

    images: dict[str, Tensor]
    labels: dict[str, Tensor]
    classes: int
    notes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        return tuple(self.images["train"].shape[1:])

    def pixels(self, split: str) -> Tensor:
        """The images of a split as float32 in [0, 1], (N, C, H, W)."""
        return to_float(self.images[split])

    def of_label(self, label: int, split: str = "train") -> Tensor:
        """All images of one label in a split, float32 in [0, 1]."""
        return to_float(self.images[split][self.labels[split] == label])


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


def from_npz(
    content: bytes, name: str, validation: int, test: int | None, seed: int, scale: float | None = None
) -> Dataset:
    """An own dataset in one .npz file, read by `own_arrays.parse_npz`.

    Split as `digits`; where the file has a test split of its own, `test` may be None and only the validation images are
    chosen. Raises SpuriousError, naming `name`, as `parse_npz`, and where `test` does not fit the file.
    """
    own = parse_npz(content, name, scale)
    if own.tested and test not in (None, own.tested):
        raise SpuriousError(
            f"{name}: test = {test}, but the file has a test split of {plural(own.tested, 'image')}; remove the key "
            "test of this dataset in config.yaml"
        )
    if test is None and not own.tested:
        raise SpuriousError(f"{name}: has no test split of its own; add the key test to this dataset in config.yaml")
    images, labels = torch.from_numpy(own.images), torch.from_numpy(own.labels)
    dataset = _split(images, labels, name, validation, own.tested or test, seed, last=own.tested > 0)
    return replace(dataset, notes=own.notes)


def _split(
    images: Tensor, labels: Tensor, name: str, validation: int, test: int, seed: int, *, last: bool = False
) -> Dataset:
    """Stratified by label; within a split the images are in random order, but `last` takes the last ones for test."""
    from sklearn.model_selection import train_test_split

    everything, state = np.arange(len(labels)), for_scikit_learn(seed)
    try:
        if last:
            rest, tested = everything[:-test], everything[-test:]
        else:
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
