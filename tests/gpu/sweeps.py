"""The noise sweep on a GPU, held against the CPU: the views that it makes, and what the classifier says of them.

For the tolerances see paths.py.
"""

import os
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from comparing import Agreement, Bench, Values, different, largest, path
from spurious.classifiers.predictions import predict
from spurious.experiments.smoothing import sweep as noise_sweep
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing
from spurious.views.settings import Variant
from spurious.views.viewer import Viewer
from subjects import CLASSES, cnn, pretrained, pretrained_module, tested


@path("float32", unit="views/s")
def views(bench: Bench) -> Iterator[Agreement]:
    """The views of noisy test images that the vote compares, made on the device from noise that the CPU draws."""
    images = tested(bench.size)[0]
    viewer, ids = Viewer(Preprocessing(), SmoothingSettings(), Variant()), list(map(str, range(len(images))))

    def make(device: torch.device) -> Values:
        return {"views": viewer.views(images.to(device), ids, 0.25, 0)}

    cpu, gpu = bench.both(make, work=len(images) * len(viewer.passes))
    yield largest("pixels", cpu["views"], gpu["views"], 1e-5)  # some sums of 49 numbers below 1


def swept(bench: Bench, scores: partial, images: Tensor, labels: Tensor, preprocessing: Preprocessing) -> Values:
    """Labels (rows, 4) and probabilities (rows, 3) of a whole sweep, as a job of the pipeline runs it."""
    size, device = scores.keywords["batch_size"], scores.keywords["device"]
    settings = SmoothingSettings(sigmas=bench.size.sigmas, batch_size=size)

    def load(indices: Tensor) -> noise_sweep.Batch:
        pixels = images[indices].to(device)
        return noise_sweep.Batch(list(map(str, indices.tolist())), pixels, labels[indices])

    items = torch.arange(len(images)).split(1 if preprocessing.resize else size)
    workers = len(os.sched_getaffinity(0)) if device.type == "cuda" else 0
    parts = noise_sweep.sweep(items, load, scores, settings, preprocessing, workers=workers)
    rows = [row for part in parts for row in part]
    return {
        "labels": torch.tensor([(row.ns, row.ss, row.ds, row.decision) for row in rows]),
        "p": torch.tensor([(row.p_ns, row.p_ss, row.p_ds) for row in rows]),
    }


def views_of(bench: Bench, images: int) -> int:
    """How many views a sweep classifies: not blurred, blurred once and twice by each of two kernels."""
    return images * len(bench.size.sigmas) * 5


@path("float32", "bfloat16", unit="views/s")
def sweep(bench: Bench) -> Iterator[Agreement]:
    """The noise sweep of the CNN on the test images: the labels of all views and of the majority, probabilities.

    In bfloat16 both devices compute in it, and each rounds in its own way.
    """
    images, labels = tested(bench.size)
    wrap = pretrained_module().Classifier  # what computes in bfloat16; needs torchvision

    def run(device: torch.device) -> Values:
        model = wrap(cnn(bench.size, device), bench.precision)
        scores = partial(predict, model, batch_size=250, classes=CLASSES, device=device)
        return swept(bench, scores, images, labels, Preprocessing())

    cpu, gpu = bench.both(run, work=views_of(bench, len(images)))
    exact = bench.precision == "float32"
    yield different("labels", cpu["labels"], gpu["labels"], 1e-3 if exact else 0.02)
    yield largest("probabilities", cpu["p"], gpu["p"], 2e-5 if exact else 0.2)


@path("float32", "bfloat16", unit="views/s")
def sweep_of_photographs(bench: Bench) -> Iterator[Agreement]:
    """The noise sweep of ResNet50 on made-up photographs of 375 x 500 pixels, resized; its weights are random.

    Compared are the labels of all views and their probabilities. Needs torchvision.
    """
    count = bench.size.photographs
    photographs = torch.rand(count, 3, 375, 500, generator=generator("gpu", "photographs"))

    def run(device: torch.device) -> Values:
        model = pretrained(bench.size.network, bench.precision, device)
        scores = partial(predict, model, batch_size=25, classes=1000, device=device)
        labels = torch.zeros(count, dtype=torch.int64)
        return swept(bench, scores, photographs, labels, Preprocessing(resize=256, crop=224))

    cpu, gpu = bench.both(run, work=views_of(bench, count))
    exact = bench.precision == "float32"
    yield different("labels", cpu["labels"], gpu["labels"], 0.01 if exact else 0.1)
    # between float32 and bfloat16 on a CPU the largest difference is .03; TF32 keeps 3 bits more than bfloat16
    yield largest("probabilities", cpu["p"], gpu["p"], 5e-4 if exact else 0.1)
