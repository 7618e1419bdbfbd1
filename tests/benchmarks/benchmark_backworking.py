"""A step of the published search: matrix products and exact distances against plain broadcasting.

The setting is MNIST's label 1: 6,742 training images as references, 8 generated images, the published CNN.
"""

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from measuring import Row, median_seconds, memory_mb
from reference import broadcast_cost
from spurious.attacks.cost import build_cost, reference_activations
from spurious.attacks.settings import ImageOptimization
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.seeding import generator

REFERENCES, IMAGES, LABEL = 6742, 8, 1


class Step:
    """Everything of a step but the update: cost and gradient of 8 images by either formulation."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.settings = ImageOptimization()
        self.model = build_classifier(Description(architecture="cnn", image_shape=(1, 28, 28), classes=10))
        initialize(self.model, "published", generator("benchmark"))
        self.model.requires_grad_(False)
        draw = generator("benchmark images")
        # sparse like digits: a fifth of the pixels is bright
        pixels = torch.rand(REFERENCES, 1, 28, 28, generator=draw)
        self.references = reference_activations(self.model, (pixels - 0.8).clamp_(min=0).mul_(5))
        self.images = torch.rand(IMAGES, 1, 28, 28, generator=draw).requires_grad_()
        self.cost = build_cost(self.references, self.settings)

    def ours(self) -> tuple[Tensor, Tensor]:
        """Cost and gradient as the library computes them."""
        return self._run(lambda layers, p: self.cost(layers, p))

    def broadcasting(self) -> tuple[Tensor, Tensor]:
        """Cost and gradient with every pair's difference in memory."""
        return self._run(lambda layers, p: broadcast_cost(layers, self.references, p, self.settings))

    def _run(self, cost: Callable[[dict[str, Tensor], Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        layers = self.model.activations(self.images)
        value = cost(layers, layers["softmax"].softmax(1)[:, LABEL])
        return value.detach(), torch.autograd.grad(value, self.images)[0]


def rows(root: Path) -> Iterator[Row]:
    """Time and extra memory of a step, and how far the costs are apart."""
    step = Step()
    ours, slow = median_seconds(step.ours, repeat=20), median_seconds(step.broadcasting, repeat=2)
    yield Row("backworking step", 1e3 * ours, 1e3 * slow, slow / ours, "ms")
    memory, slow_memory = extra_memory("ours"), extra_memory("broadcasting")
    yield Row("backworking step, memory beside the references", memory, slow_memory, slow_memory / memory, "MB")
    difference = abs(step.ours()[0] / step.broadcasting()[0] - 1).item()
    yield Row("backworking cost, relative difference", difference, 1e-5, 1e-5 / max(difference, 1e-9), "(limit 1e-5)")


def extra_memory(name: str) -> float:
    """Peak memory in MB of one step above what holding model and references takes, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, [name])


def _measure(name: str) -> float:
    step = Step()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak is counted anew from here
    before = memory_mb("VmRSS")
    getattr(step, name)()
    return memory_mb("VmHWM") - before
