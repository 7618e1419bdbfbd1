"""The smallest steps to all targets of MNIST's test images in closed form, against one image and target after another.

Images and weights are made up: neither changes the time. The loop is timed on every 100th image and multiplied.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from measuring import Row, median_seconds
from spurious.attacks.closed_form import smallest_steps
from spurious.seeding import generator

IMAGES, PIXELS, CLASSES = 10_000, 784, 10
PART = 100


def rows(root: Path) -> Iterator[Row]:
    """Seconds for L2, L-infinity and smallest L-infinity of all pairs, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    draw = generator(0, "benchmark", "linear")
    images = torch.rand((IMAGES, PIXELS), generator=draw)
    weight, bias = torch.randn((CLASSES, PIXELS), generator=draw), torch.randn(CLASSES, generator=draw)
    ours = median_seconds(lambda: smallest_steps(weight, bias, images), repeat=5)
    part = images[::PART]
    loop = median_seconds(lambda: one_by_one(weight, bias, part), repeat=3) * IMAGES / len(part)
    torch.set_num_threads(before)
    yield Row(f"smallest steps, {IMAGES} images x {CLASSES - 1} targets, against a loop", ours, loop, loop / ours, "s")


def one_by_one(weight: Tensor, bias: Tensor, images: Tensor) -> list[tuple[float, float, float]]:
    """The same sizes, pair by pair."""
    sizes = []
    for image in images:
        scores = weight @ image + bias
        decision = int(scores.argmax())
        for target in range(len(weight)):
            if target != decision:
                direction = weight[target] - weight[decision]
                margin = scores[decision] - scores[target]
                step = margin / (direction @ direction) * direction
                sizes.append((float(step.norm()), float(step.abs().max()), float(margin / direction.abs().sum())))
    return sizes
