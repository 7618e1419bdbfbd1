"""The images of a dataset, whichever form it has: data.safetensors, a store, or photographs and their list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.files.photographs import open_photographs
from pipeline.files.stores import open_store
from pipeline.files.tensors import read_dataset
from spurious.data.splits import InMemory, Split
from spurious.errors import SpuriousError
from spurious.perturbations.balls import Id


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


def shard_indices(images: int, shard: int, shards: int) -> torch.Tensor:
    """Every `shards`-th image from `shard` on: equal shares of a test set that may be sorted by label."""
    if not 0 <= shard < shards:
        raise SpuriousError(f"--shard {shard}: with --shards {shards} it must be from 0 to {shards - 1}")
    return torch.arange(images)[shard::shards]
