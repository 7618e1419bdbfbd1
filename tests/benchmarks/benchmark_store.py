"""Softmax regression streamed from a store of ImageNet's size: does the loader keep up, and does memory stay flat?

The store is made up: a sparse file, whose zeros the kernel makes instead of reading them from a disk. What a disk
adds is not measured; the rate from real bytes in the system's cache stands beside it.
"""

import math
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import yaml
from torch import Tensor

from measuring import Row, memory_mb
from pipeline.files.stores import SplitWriter, open_store, write_description
from spurious.classifiers.linear import LinearTrainer
from spurious.configuration import settings_for
from spurious.data.splits import InMemory, Split, prefetched, shuffled
from spurious.experiments.linear.settings import LinearSettings
from spurious.registry import parse
from spurious.seeding import generator

CORES = len(os.sched_getaffinity(0))
IMAGES, CLASSES, SIDE = 1_281_167, 1000, 64
REAL = 16_384  # images of the store with real bytes: 201 MB
BATCHES = 200  # that the loader is timed over, and that memory is watched over after
WARM_UP = 10
ROUNDS, STEPS = 4, 8  # of training, timed
UNIT = f"images/s, {CORES} cores"
ENVIRONMENT = {  # as workflow/rules/compat.smk sets it
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
}
Batch = tuple[Tensor, Tensor]
Result = TypeVar("Result")


def rows(root: Path) -> Iterator[Row]:
    """Rates in images per second on all cores, minutes per epoch, growth of memory in MB."""
    os.environ |= ENVIRONMENT
    config = yaml.safe_load((root / "config.yaml").read_text())
    settings = parse(LinearSettings, settings_for(config, "imagenet64")["linear"])
    with tempfile.TemporaryDirectory() as folder:
        sparse, real = make_sparse(Path(folder) / "sparse"), make_real(Path(folder) / "real")
        loader = fresh(loading, sparse, settings.batch_size)
        for decays in (settings.weight_decays[:1], settings.weight_decays):
            how = settings.changed(weight_decays=decays)
            yield from training_rows(loader, *fresh(training, sparse, how), f"weight decays at once: {len(decays)}")
        mapped, memory = (fresh(loading, real, settings.batch_size, in_memory) for in_memory in (False, True))
        yield Row("store, loader, cached real bytes against memory", mapped, memory, mapped / memory, UNIT)
        everything = IMAGES * 3 * SIDE**2 / 2**20
        for kind, grown in fresh(growth, sparse, settings).items():
            name = f"store, growth of {kind} in {BATCHES} training steps, against all images"
            yield Row(name, grown, everything, everything / max(grown, 1), "MB")


def training_rows(loader: float, streamed: float, alone: float, name: str) -> Iterator[Row]:
    """Training from the store beside the loader and beside the same steps on one batch that is at hand."""
    yield Row(f"store, loader against training, {name}", loader, alone, loader / alone, UNIT)
    yield Row(f"store, training streamed against at hand, {name}", streamed, alone, streamed / alone, UNIT)
    minutes, fewest = (IMAGES / rate / 60 for rate in (streamed, alone))
    yield Row(f"store, projected epoch of ImageNet, {name}", minutes, fewest, fewest / minutes, f"min, {CORES} cores")


def make_sparse(folder: Path) -> Path:
    """A store of ImageNet's size whose images are zeros that take no room on the disk."""
    folder.mkdir()
    shape = (IMAGES, 3, SIDE, SIDE)
    with open(folder / "train_images.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + math.prod(shape))
    np.save(folder / "train_labels.npy", np.random.default_rng(0).integers(0, CLASSES, IMAGES))
    write_description(folder, CLASSES)
    return folder


def make_real(folder: Path) -> Path:
    """A small store of random bytes, which are in the system's cache as they have just been written."""
    folder.mkdir()
    random = np.random.default_rng(0)
    writer = SplitWriter(folder, "train", (3, SIDE, SIDE))
    for _ in range(REAL // 1024):
        images = random.integers(0, 256, (1024, 3, SIDE, SIDE), dtype=np.uint8)
        writer.append(images, random.integers(0, CLASSES, 1024))
    writer.close()
    write_description(folder, CLASSES)
    return folder


def fresh(call: Callable[..., Result], *arguments: object) -> Result:
    """The result of a call in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1, torch.set_num_threads, (CORES,)) as pool:
        return pool.apply(call, arguments)


def loading(store: Path, batch_size: int, in_memory: bool = False) -> float:
    """Images per second that the loader delivers where nothing else is done."""
    source: Split = open_store(store).splits["train"]
    if in_memory:
        source = InMemory(source.batch(torch.arange(len(source))), source.labels)
    return images_per_second(prefetched(source, islice(shuffled(source, batch_size, generator("store")), BATCHES)))


def training(store: Path, settings: LinearSettings) -> tuple[float, float]:
    """Images per second of training from the store, and on one batch that is at hand; in turns, medians."""
    source = open_store(store).splits["train"]
    trainer = LinearTrainer(source, settings, CLASSES, seed=0)
    order = shuffled(source, settings.batch_size, generator("store"))
    at_hand = next(prefetched(source, order))
    rates: dict[str, list[float]] = {"streamed": [], "at hand": []}
    for _ in range(ROUNDS):
        for name, batches in (
            ("streamed", prefetched(source, islice(order, STEPS))),
            ("at hand", repeat(at_hand, STEPS)),
        ):
            rates[name].append(images_per_second(trained(trainer, batches)))
    return statistics.median(rates["streamed"]), statistics.median(rates["at hand"])


def trained(trainer: LinearTrainer, batches: Iterable[Batch]) -> Iterator[Batch]:
    """Each batch, after a step on it."""
    for images, labels in batches:
        trainer._train_step(images, labels)
        yield images, labels


def images_per_second(batches: Iterable[Batch]) -> float:
    """How many images come per second."""
    start = time.perf_counter()
    count = sum(len(images) for images, _ in batches)
    return count / (time.perf_counter() - start)


def growth(store: Path, settings: LinearSettings) -> dict[str, float]:
    """MB by which the process grows from the first steps of training to the last."""
    source = open_store(store).splits["train"]
    trainer = LinearTrainer(source, settings.changed(weight_decays=(0.0,)), CLASSES, seed=0)
    order = islice(shuffled(source, settings.batch_size, generator("store")), BATCHES)
    steps = trained(trainer, prefetched(source, order))
    for _ in islice(steps, WARM_UP):
        pass
    before = memory()
    for _ in steps:
        pass
    return {kind: value - before[kind] for kind, value in memory().items()}


def memory() -> dict[str, float]:
    """MB of this process: what it holds itself, and the most it has had with the pages of files."""
    return {"anonymous memory": memory_mb("RssAnon"), "peak memory": memory_mb("VmHWM")}
