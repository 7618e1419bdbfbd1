"""The images of a dataset, whichever form it has: data.safetensors, a store, or photographs and their list."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.files.photographs import open_photographs
from pipeline.files.stores import open_store
from pipeline.files.tensors import read_dataset
from spurious.data.datasets import to_float
from spurious.data.splits import InMemory, Split, Splits
from spurious.errors import SpuriousError
from spurious.seeding import Id, generator


@dataclass(frozen=True, kw_only=True)
class Images:
    """Test images: their ids and labels, int64 (N,), and `load(places)`, uint8 (n, C, H, W).

    `shape` is (C, H, W) of all, and ids are numbers; photographs have None, as each has its own size, and paths: they
    are loaded one by one.
    """

    ids: Sequence[Id]
    labels: Tensor
    load: Callable[[Tensor], Tensor]
    shape: tuple[int, int, int] | None

    def __len__(self) -> int:
        return len(self.ids)

    def pixels(self, places: Tensor) -> Tensor:
        """The images of these places (n,), float32 (n, C, H, W) in [0, 1]."""
        return to_float(self.load(places))

    def names(self, places: Tensor) -> list[Id]:
        """The ids of these places (n,)."""
        return [self.ids[place] for place in places.tolist()]

    def order(self) -> Tensor:
        """The places (N,) as they are taken where not all are: those of a dataset as they are.

        A list of photographs is sorted by label, so a fixed random order is taken: the first of them are of all kinds,
        however many there are to be.
        """
        if self.shape is None:
            return torch.randperm(len(self), generator=generator("order of photographs"))
        return torch.arange(len(self))


def open_images(paths: Sequence[str | Path]) -> Images:
    """The test images of data.safetensors or of a store, or those that a folder's list (folder, list) keeps.

    Raises SpuriousError, naming the file, where it is none of these or has no split test.
    """
    if len(paths) == 2:
        photographs = open_photographs(*paths)

        def load(places: Tensor) -> Tensor:
            return torch.stack([photographs.load(place) for place in places.tolist()])

        return Images(ids=photographs.ids, labels=photographs.labels, load=load, shape=None)
    splits, _ = open_splits(paths[0])
    if "test" not in splits:
        raise SpuriousError(f"{paths[0]}: has no split test, only {', '.join(splits)}; use another dataset")
    tests = splits["test"]
    return Images(ids=range(len(tests)), labels=tests.labels, load=tests.batch, shape=tests.image_shape)


def open_splits(path: str | Path) -> tuple[dict[str, Split], int]:
    """The splits of a store, or of the data.safetensors of prepare_dataset.py; and the number of classes."""
    if Path(path).is_dir():
        store = open_store(path)
        return dict(store.splits), store.classes
    data = read_dataset(path)
    return {split: InMemory(data.images[split], data.labels[split]) for split in data.images}, data.classes


def read_splits(paths: Sequence[str | Path]) -> Splits:
    """The splits of the one store or file."""
    return Splits(*open_splits(paths[0]))


@dataclass(frozen=True)
class Batches:
    """Images (n, C, H, W), float32 in [0, 1], of each of `places` (n,), loaded whenever they are asked for."""

    load: Callable[[Tensor], Tensor]
    places: Sequence[Tensor]
    device: torch.device

    def __iter__(self) -> Iterator[Tensor]:
        return (to_float(self.load(places)).to(self.device) for places in self.places)


def validation_images(
    paths: Sequence[str | Path], images: Images, others: Tensor, batch_size: int, device: torch.device
) -> Batches:
    """The validation images of the dataset that `images` are the tests of, in batches.

    Photographs have none: those at the places `others` (n,) of their tests stand in, one by one.
    """
    if images.shape is None:
        return Batches(images.load, others.split(1) if len(others) else (), device)
    validation = open_splits(paths[0])[0]["validation"]
    return Batches(validation.batch, torch.arange(len(validation)).split(batch_size), device)


def shard_indices(images: int, shard: int, shards: int) -> torch.Tensor:
    """Every `shards`-th image from `shard` on: equal shares of a test set that may be sorted by label."""
    if not 0 <= shard < shards:
        raise SpuriousError(f"--shard {shard}: with --shards {shards} it must be from 0 to {shards - 1}")
    return torch.arange(images)[shard::shards]
