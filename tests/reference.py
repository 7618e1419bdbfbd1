"""Slow references for the search, written from the write-up and its code and sharing nothing with the library.

They compute in the precision of what they are given; the tests give float64.
"""

import copy
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from spurious.attacks.settings import ImageOptimization


def broadcast_cost(
    layers: dict[str, Tensor], references: dict[str, Tensor], p: Tensor, settings: ImageOptimization
) -> Tensor:
    """The write-up's `get_cost_from_layer`, summed over the layers; every pair's difference is in memory at once.

    `layers` holds the activations (N, ...) of the generated images and `references` those (R, ...) of the label's
    training images at every layer but the last; `p` (N,) is the probability of the label.
    """
    cost = settings.layer_weights["softmax"] * (1 - p).mean()
    for name, reference in references.items():
        layer = layers[name]
        previous = (layer - reference.unsqueeze(1)) ** 2  # (R, N, ...)
        similarity = (layer - layer.unsqueeze(1)) ** 2  # (N, N, ...)
        if name != "fc":
            previous = previous.flatten(2).mean(2)
        previous = previous.min(0).values.mean()
        weight = settings.layer_weights[name]
        cost = cost + weight * (settings.reference_weight / previous + settings.batch_weight / similarity.mean())
    return cost


@dataclass
class AdamState:
    """TensorFlow's Adam between two steps."""

    m: np.ndarray | float = 0.0
    v: np.ndarray | float = 0.0
    t: int = 0


def tensorflow_adam_step(
    x: np.ndarray,
    gradient: np.ndarray,
    state: AdamState,
    learning_rate: float,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> np.ndarray:
    """`x` after one step of TensorFlow's AdamOptimizer, whose epsilon is not corrected for the bias; moves `state`."""
    state.t += 1
    state.m = beta1 * state.m + (1 - beta1) * gradient
    state.v = beta2 * state.v + (1 - beta2) * gradient**2
    rate = learning_rate * math.sqrt(1 - beta2**state.t) / (1 - beta1**state.t)
    return x - rate * state.m / (np.sqrt(state.v) + epsilon)


class Tracker:
    """The last saves of every image's p, forgotten when the image is replaced."""

    def __init__(self, saves: int, images: int):
        self.saves = saves
        self.values: list[deque[float]] = [deque(maxlen=saves) for _ in range(images)]

    def add(self, p: list[float]) -> None:
        for values, value in zip(self.values, p, strict=True):
            values.append(value)

    def to_replace(self, below: float) -> list[int]:
        """Images whose saves are complete, never rise, and end below `below`."""
        chosen = []
        for image, values in enumerate(self.values):
            pairs = zip(list(values)[:-1], list(values)[1:], strict=True)
            if len(values) == self.saves and all(after <= before for before, after in pairs) and values[-1] < below:
                chosen.append(image)
        return chosen

    def forget(self, image: int) -> None:
        self.values[image].clear()


@dataclass
class ReferenceResult:
    """Images (N, C, H, W), trace (steps + 1, N) from the start on, and how often each image was replaced."""

    images: np.ndarray
    trace: np.ndarray
    reinitialized: list[int]


def reference_search(
    model: nn.Module,
    label: int,
    start: Tensor,
    references: Tensor,
    settings: ImageOptimization,
    draw: Callable[[int], Tensor],
) -> ReferenceResult:
    """The original's `get_faulty_input_layer` with a save at every step, in float64.

    `references` (R, C, H, W) are the label's training images; `draw(n)` returns n noise images. Replaced here:
    the original has no clamp, counts `min_steps` from 0, and also replaces images after the last step, unseen.
    """
    model = copy.deepcopy(model).double()
    with torch.no_grad():
        layers = model.activations(references.double())
        hidden = {name: layer for name, layer in layers.items() if name != "softmax"}

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        images = torch.from_numpy(x).requires_grad_()
        layers = model.activations(images)
        p = layers["softmax"].softmax(1)[:, label]
        cost = broadcast_cost(layers, hidden, p, settings)
        cost.backward()
        return cost.item(), images.grad.numpy(), p.detach().numpy()

    x, adam, tracker = start.double().numpy().copy(), AdamState(), Tracker(settings.reinitialize_after, len(start))
    trace, reinitialized, before = [evaluate(x)[2]], [0] * len(start), math.inf
    for step in range(1, settings.max_steps + 1):
        x = tensorflow_adam_step(x, evaluate(x)[1], adam, settings.learning_rate)
        if settings.clamp:
            x = np.clip(x, 0, 1)
        cost, _, p = evaluate(x)
        trace.append(p)
        tracker.add(p.tolist())
        may_stop = step >= settings.min_steps
        if may_stop and settings.stop_min_p is not None and p.min() > settings.stop_min_p:
            break
        if may_stop and settings.stop_mean_p is not None and p.mean() > settings.stop_mean_p:
            break
        if may_stop and abs(cost - before) < settings.tolerance:
            break
        before = cost
        replaced = tracker.to_replace(settings.reinitialize_below) if settings.reinitialize_after else []
        if replaced and step < settings.max_steps:
            x[replaced] = draw(len(replaced)).double().numpy()
            for image in replaced:
                tracker.forget(image)
                reinitialized[image] += 1
    return ReferenceResult(images=x, trace=np.stack(trace), reinitialized=reinitialized)
