"""The noise sweep with ResNet50: against its network alone, the machine's multiply rate and the write-up's way.

Weights are random and photographs made up (375 x 500 pixels, the median of the sample images): neither changes the
time. Ours runs as the pipeline runs it, a process with one thread on each core, and so do the network alone and the
matrix products. The write-up's way gets all cores in one process, as torch does by default. Rates are sums over
processes.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import yaml
from kornia.filters import gaussian_blur2d

import smooth_shard
from measuring import Row, memory_mb
from pipeline.files.classifiers import open_classifier
from pipeline.files.images import open_images, shard_indices
from pipeline.jobs.devices import is_slow_in_bfloat16
from spurious import configuration
from spurious.classifiers.predictions import predict
from spurious.classifiers.pretrained import accelerate, torchvision_classifier
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.experiments.smoothing.sweep import Batch, sweep
from spurious.perturbations.noise import add_noise
from spurious.seeding import generator
from spurious.views.blur import blur
from spurious.views.preprocessing import Preprocessing
from spurious.views.settings import Variant
from spurious.views.viewer import Viewer
from spurious.vision import transforms

CORES = len(os.sched_getaffinity(0))
MULTIPLICATIONS = 4.09e9  # of ResNet50 for one view of 224 x 224 pixels
SECONDS = 12.0  # of every measurement, after a warm-up
SETTINGS = SmoothingSettings(batch_size=25)
IMAGENET = Preprocessing(resize=256, crop=224)
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LIMIT_MB = 1500
ENVIRONMENT = {  # of every process, as workflow/rules/compat.smk sets it
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
}


def rows(root: Path) -> Iterator[Row]:
    """Rates in views per second, ratios to the network alone, the multiply rate and the write-up's way; peak memory."""
    os.environ |= ENVIRONMENT
    writeup = rate("writeup", "float32", processes=1)
    for precision in ["float32"] if is_slow_in_bfloat16() else PRECISIONS:
        network, whole = rate("network", precision), rate("sweep", precision)
        allowed = max(rate("matmul", precision), rate("convolution", precision)) / MULTIPLICATIONS
        unit = f"views/s, {CORES} cores"
        yield Row(f"sweep, {precision}, against its network alone", whole, network, whole / network, unit)
        yield Row(f"network, {precision}, against the multiply rate", network, allowed, network / allowed, unit)
        yield Row(f"sweep, {precision}, against one view at a time", whole, writeup, whole / writeup, unit)
    libraries, banded = rate("libraries", "float32"), rate("views", "float32")
    yield Row("views made, against kornia and torchvision", banded, libraries, banded / libraries, unit)
    peak = peak_memory(40)
    yield Row("sweep, peak memory", peak, LIMIT_MB, LIMIT_MB / peak, f"MB (limit {LIMIT_MB})")
    yield from changed_labels(root)


def changed_labels(root: Path) -> Iterator[Row]:
    """How many labels of a finished sweep of the sample images, 5 taps and the first noise seed, bfloat16 changes."""
    folder = root / "results" / "imagenet-samples"
    config = yaml.safe_load((root / "config.yaml").read_text())
    measured = yaml.safe_load((root / "docs/measured/imagenet-samples/mobilenet-v2.yaml").read_text())
    classifiers = configuration.deep_merge(config, measured)["classifiers"]
    finished = {path.parent.name for path in folder.glob("*/smoothing_images.csv")} & set(classifiers)
    if not finished:
        print("labels that bfloat16 changes: left out, it needs a finished sweep in results/imagenet-samples")
    for classifier in sorted(finished):
        jobs = [(folder, classifier, classifiers[classifier], shard) for shard in range(CORES)]
        with multiprocessing.get_context("spawn").Pool(CORES, initializer=_start, initargs=(None, 1)) as pool:
            changed, labels = map(sum, zip(*pool.starmap(_changed, jobs, chunksize=1), strict=True))
        name = f"labels that bfloat16 changes, {classifier}"
        yield Row(name, changed, labels, labels / max(changed, 1), "of the labels (5 taps, first noise seed)")


def _changed(folder: Path, classifier: str, entry: dict[str, object], shard: int) -> tuple[int, int]:
    """Changed labels and all labels of the views of a shard."""
    settings = SETTINGS.changed(kernels=(5,))
    device = torch.device("cpu")
    images = open_images([folder / "images", folder / "images.csv"])
    load = partial(smooth_shard.load_batch, images, device)
    model, preprocessing = open_classifier(folder / classifier / "pretrained", entry, device, precision="bfloat16")
    score = partial(predict, model, batch_size=settings.batch_size, classes=1000)
    items = shard_indices(len(images), shard, CORES).split(1)
    rows = pd.DataFrame([row for rows in sweep(items, load, score, settings, preprocessing) for row in rows])
    before = pd.read_csv(folder / classifier / "smoothing_images.csv")
    pairs = rows.merge(before, on=["image", "kernel", "sigma"], suffixes=("", "_before"), validate="one_to_one")
    changed = [pairs[view] != pairs[f"{view}_before"] for view in (view.name for view in SETTINGS.views)]
    return int(sum(view.sum() for view in changed)), sum(map(len, changed))


def rate(name: str, precision: str, processes: int = CORES) -> float:
    """Units of work per second of so many processes at the same time."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Pool(processes, initializer=_start, initargs=(barrier, CORES // processes)) as pool:
        return sum(pool.starmap(_measure, [(name, precision)] * processes, chunksize=1))


def peak_memory(photographs: int) -> float:
    """MB that one process of the sweep takes at most."""
    with multiprocessing.get_context("spawn").Pool(1, initializer=_start, initargs=(None, 1)) as pool:
        return pool.apply(_peak, (photographs,))


def _start(barrier: object, threads: int) -> None:
    global _barrier
    _barrier = barrier
    torch.set_num_threads(threads)


def _measure(name: str, precision: str) -> float:
    """Units per second of one process, once all are ready."""
    step = WORK[name](precision)
    step()
    _barrier.wait()
    done, start = 0.0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        done += step()
    return done / (time.perf_counter() - start)


def _peak(photographs: int) -> float:
    step = sweep_step("float32")
    for _ in range(photographs):
        step()
    return memory_mb("VmHWM")


def photograph() -> torch.Tensor:
    """A made-up photograph (1, 3, 375, 500) in [0, 1]."""
    return torch.rand(1, 3, 375, 500, generator=generator("benchmark", "photograph"))


def sweep_step(precision: str) -> Callable[[], int]:
    """Every sigma and view of one photograph: noise, views and classes."""
    model = accelerate(torchvision_classifier("resnet50"), 224, precision)
    score = partial(predict, model, batch_size=SETTINGS.batch_size, classes=1000)
    batch = Batch(["made up"], photograph(), torch.tensor([0]))
    views = len(SETTINGS.sigmas) * len(Viewer(IMAGENET, SETTINGS, Variant()).passes)

    def step() -> int:
        list(sweep([None], lambda _: batch, score, SETTINGS, IMAGENET))
        return views

    return step


def network_step(precision: str) -> Callable[[], int]:
    """The classifier alone, on as many ready views as the sweep gives it at once."""
    model = accelerate(torchvision_classifier("resnet50"), 224, precision)
    views = torch.rand(20, 3, 224, 224)

    def step() -> int:
        with torch.inference_mode():
            model(views)
        return len(views)

    return step


def writeup_step(precision: str) -> Callable[[], int]:
    """As the write-up does it: each view made by kornia and torchvision and classified on its own, eagerly."""
    model = torchvision_classifier("resnet50")
    image = photograph()

    @torch.no_grad()
    def step() -> int:
        noisy = (image + 0.25 * torch.randn_like(image)).clamp(0, 1)
        once = gaussian_blur2d(noisy, (5, 5), (1.0, 1.0))
        for view in (noisy, once, gaussian_blur2d(once, (5, 5), (1.0, 1.0))):
            model(transforms.center_crop(transforms.resize(view, [256], antialias=False), [224, 224])).argmax()
        return 3

    return step


def views_step(precision: str) -> Callable[[], int]:
    """Noise and views of one photograph and sigma, ours."""
    viewer, image = Viewer(IMAGENET, SETTINGS, Variant()), photograph()
    return lambda: viewer.views(image, ["made up"], 0.25, 0).shape[1]


def libraries_step(precision: str) -> Callable[[], int]:
    """The same views, one library call after the other."""
    image = photograph()

    def step() -> int:
        views = [add_noise(image, ["made up"], 0.25, 0)]
        for kernel in SETTINGS.kernels:
            views += [once := blur(views[0], kernel, 1.0), blur(once, kernel, 1.0)]
        prepared = [
            transforms.center_crop(transforms.resize(view, [256], antialias=False), [224, 224]) for view in views
        ]
        return len(torch.stack(prepared))

    return step


def matmul_step(precision: str) -> Callable[[], float]:
    """Multiplications of a square matrix product."""
    side = 2048
    left, right = (torch.rand(side, side).to(PRECISIONS[precision]) for _ in range(2))

    def step() -> float:
        torch.matmul(left, right)
        return float(side**3)

    return step


def convolution_step(precision: str) -> Callable[[], float]:
    """Multiplications of a 1x1 convolution, which is a matrix product by another library (oneDNN)."""
    layer = torch.nn.Conv2d(1024, 1024, 1, bias=False).to(PRECISIONS[precision], memory_format=torch.channels_last)
    images = torch.rand(32, 1024, 28, 28).to(PRECISIONS[precision], memory_format=torch.channels_last)

    def step() -> float:
        with torch.inference_mode():
            layer(images)
        return images.numel() * 1024.0

    return step


WORK = {
    "sweep": sweep_step,
    "network": network_step,
    "writeup": writeup_step,
    "views": views_step,
    "libraries": libraries_step,
    "matmul": matmul_step,
    "convolution": convolution_step,
}
