"""Stores: folders of images that are mapped into memory instead of read.

A store holds `<split>_images.npy`, uint8 (N, C, H, W), and `<split>_labels.npy`, int64 (N,), for each split, and
store.json: {"classes": K, "format": 1}.
"""

import json
import math
import mmap
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spurious.errors import SpuriousError, reason_of
from spurious.wording import plural

FORMAT = 1
DESCRIPTION = "store.json"
REMEDY = "delete the store and run again"


class MappedSource:
    """A split of a store as a `Split`: every batch is copied out of the mapped file, nothing else is held.

    The pages of a batch are given back after it: they stay in the system's cache as long as there is room, but the
    process does not grow with what it has read. Blocks of 16 images, for 64x64 pixels 200 kB, are read at once.
    """

    block = 16
    window = 2048

    def __init__(self, path: Path, offset: int, shape: tuple[int, int, int, int], labels: Tensor):
        self.labels = labels
        self._offset, self._file = offset, open(path, "rb")  # noqa: SIM115 - open as long as the source lives
        self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._images = np.frombuffer(self._mapped, np.uint8, math.prod(shape), offset).reshape(shape)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        return self._images.shape[1:]

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, indices: Tensor) -> Tensor:
        """The images of these indices in their order, uint8 (n, C, H, W), as a copy."""
        self._announce(indices)
        images = np.take(self._images, indices.numpy(), axis=0)
        self._mapped.madvise(mmap.MADV_DONTNEED)
        return torch.from_numpy(images)

    def _announce(self, indices: Tensor) -> None:
        """Have the blocks of these images read, all at once and in the order of the file; nothing on macOS."""
        if not hasattr(os, "posix_fadvise"):
            return
        size = self.block * math.prod(self.image_shape)
        for block in (indices // self.block).unique().tolist():
            os.posix_fadvise(self._file.fileno(), self._offset + block * size, size, os.POSIX_FADV_WILLNEED)


@dataclass(frozen=True)
class Store:
    """The splits of a store, and how many classes there are."""

    splits: dict[str, MappedSource] = field(repr=False)
    classes: int


def open_store(path: str | Path) -> Store:
    """The store in a folder; SpuriousError, naming the file, where it is incomplete or its parts do not fit."""
    folder = Path(path)
    classes = _classes(folder / DESCRIPTION)
    names = sorted(
        {file.name.rpartition("_")[0] for kind in ("images", "labels") for file in folder.glob(f"*_{kind}.npy")}
    )
    if "train" not in names:
        raise SpuriousError(f"{folder}: no train_images.npy; {REMEDY}")
    return Store({name: _open_split(folder, name, classes) for name in names}, classes)


def _classes(path: Path) -> int:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        if description["format"] == FORMAT and isinstance(description["classes"], int):
            return description["classes"]
        reason = f"format {description['format']}, classes {description['classes']!r}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = reason_of(error)
    raise SpuriousError(f"{path}: not the description of a store of format {FORMAT} ({reason}); {REMEDY}")


def _open_split(folder: Path, split: str, classes: int) -> MappedSource:
    images, labels = folder / f"{split}_images.npy", folder / f"{split}_labels.npy"
    shape, offset = _header(images, "uint8", 4)
    (count,), _ = _header(labels, "int64", 1)
    if count != shape[0]:
        raise SpuriousError(
            f"{labels}: {plural(count, 'label')} for the {plural(shape[0], 'image')} of {images.name}; {REMEDY}"
        )
    values = torch.from_numpy(np.load(labels, allow_pickle=False))
    if values.min() < 0 or values.max() >= classes:
        raise SpuriousError(f"{labels}: labels from {values.min()} to {values.max()} of {classes} classes; {REMEDY}")
    return MappedSource(images, offset, shape, values)


def _header(path: Path, dtype: str, dimensions: int) -> tuple[tuple[int, ...], int]:
    """The shape of a complete .npy file with such elements, in C order, and where they begin."""
    try:
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"version {version} of the format")
            shape, fortran_order, found = np.lib.format.read_array_header_1_0(file)
            offset, size = file.tell(), file.seek(0, 2)
    except Exception as error:  # damaged headers make numpy raise almost anything
        reason = reason_of(error)
        raise SpuriousError(f"{path}: not a readable .npy file ({reason}); {REMEDY}") from None
    if found != np.dtype(dtype) or len(shape) != dimensions or fortran_order or min(shape) < 1:
        raise SpuriousError(f"{path}: {found} {shape} instead of {dtype} in {dimensions} dimensions; {REMEDY}")
    expected = offset + math.prod(shape) * found.itemsize
    if size != expected:
        raise SpuriousError(f"{path}: {size} bytes instead of {expected}, cut off or damaged; {REMEDY}")
    return shape, offset


class SplitWriter:
    """Writes the images of one split as they come; the labels, and how many there are, at the end."""

    def __init__(self, folder: Path, split: str, image_shape: tuple[int, int, int]):
        self.labels = np.empty(0, np.int64)
        self._paths = folder / f"{split}_images.npy", folder / f"{split}_labels.npy"
        self._shape = image_shape
        self._file = open(self._paths[0], "w+b")  # noqa: SIM115 - open until `close`
        self._write_header()

    def append(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Add images, uint8 (n, C, H, W), and their labels (n,)."""
        self._file.write(np.ascontiguousarray(images).data)
        self.labels = np.concatenate([self.labels, labels])

    def take_out(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Remove the images of these sorted indices and return them with their labels; the last ones fill the gaps."""
        self._file.flush()
        keep = len(self.labels) - len(indices)
        images = np.memmap(self._file, np.uint8, "r+", self._offset, (len(self.labels), *self._shape))
        taken = images[indices], self.labels[indices]
        gaps = indices[indices < keep]
        fillers = np.setdiff1d(np.arange(keep, len(self.labels)), indices)
        images[gaps], self.labels[gaps] = images[fillers], self.labels[fillers]
        self.labels = self.labels[:keep]
        self._file.truncate(self._offset + keep * math.prod(self._shape))
        return taken

    def close(self) -> None:
        """Write what is known only now."""
        self._file.seek(0)
        self._write_header()
        self._file.close()
        np.save(self._paths[1], self.labels)

    def _write_header(self) -> None:
        """The header has the same length for every number of images: numpy leaves room for it to grow."""
        shape = (len(self.labels), *self._shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._offset = self._file.tell()


def write_description(folder: Path, classes: int) -> None:
    """Write the store.json of a store of so many classes."""
    (folder / DESCRIPTION).write_text(json.dumps({"classes": classes, "format": FORMAT}) + "\n", encoding="utf-8")
