"""Certification against the network alone on ready noise: what drawing, adding and counting cost."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch

from measuring import Row, median_seconds
from spurious.classifiers.models import Description, build_classifier
from spurious.defences.defended import Defended
from spurious.defences.entries import Undefended
from spurious.defences.smoothed import Smoothed
from spurious.seeding import generator

SHAPE = (1, 28, 28)
DRAWS, BATCH = 2000, 250


def rows(root: Path) -> Iterator[Row]:
    """Microseconds of processor time, which others do not disturb, for each draw of MNIST's CNN; at least 0.9 of the
    network's own rate is wanted.
    """
    options = {"repeat": 5, "clock": time.process_time}
    torch.set_num_threads(1)
    model = build_classifier(Description(architecture="cnn", image_shape=SHAPE, classes=10)).eval()
    model.requires_grad_(False)
    image = torch.rand(SHAPE, generator=generator("benchmark certification"))
    smoothed = Smoothed(Defended(Undefended(), model).scores, 0.25, seed=0, batch_size=BATCH)
    ready = torch.randn(BATCH, *SHAPE)
    ours = median_seconds(lambda: smoothed.counts(image, 0, DRAWS, "estimation"), **options) / DRAWS
    reference = median_seconds(lambda: [model(ready) for _ in range(DRAWS // BATCH)], **options) / DRAWS
    yield Row(
        "certification of MNIST's cnn", 1e6 * ours, 1e6 * reference, reference / ours, "us per draw, processor time"
    )
