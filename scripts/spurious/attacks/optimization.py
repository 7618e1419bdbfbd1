"""Searches for images that a classifier gives to a label with high probability, starting from noise."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spurious.adam import Adam
from spurious.attacks.cost import OUTPUT_LAYER, BackworkingCost, build_cost, reference_activations
from spurious.attacks.settings import ImageOptimization
from spurious.modules import device_of
from spurious.perturbations.starts import STARTS
from spurious.seeding import generator


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search ended with.

    images (N, C, H, W) float32: as stored, in [0, 1] where the search clamps.
    trace (steps + 1, N): p of every image at the start and after each step.
    reinitialized (N,): how often each image started again from noise.
    clamped: whether the search kept its pixels in [0, 1].
    """

    images: Tensor
    trace: Tensor
    reinitialized: Tensor
    clamped: bool

    @property
    def steps(self) -> int:
        """Optimization steps taken."""
        return len(self.trace) - 1


def run_searches(
    model: nn.Module,
    label: int,
    references: Tensor,
    searches: dict[str, ImageOptimization],
    *,
    images: int,
    seed: int | str,
) -> dict[str, SearchResult]:
    """Run every search for `images` images of `label`; `references` (R, C, H, W) are its training images.

    All searches with the same kind of start begin from the same images, so that they compare in pairs.

    >>> import torch
    >>> from torch import nn
    >>> from spurious.attacks.layers import Layered
    >>> from spurious.attacks.optimization import run_searches
    >>> from spurious.attacks.settings import ImageOptimization
    >>> class Brightness(nn.Module):
    ...     def forward(self, images):
    ...         mean = images.mean((1, 2, 3))
    ...         return 10 * torch.stack([0.5 - mean, mean - 0.5], 1)  # dark, bright
    >>> dark = torch.zeros(3, 1, 4, 4)  # training images of the label; the objective log_p takes their shape alone
    >>> searches = {"ascent": ImageOptimization(objective="log_p", learning_rate=0.05)}
    >>> found = run_searches(Layered(Brightness()), 0, dark, searches, images=2, seed=0)["ascent"]
    >>> found.images.shape, bool((found.trace[-1] > 0.99).all())
    (torch.Size([2, 1, 4, 4]), True)
    """
    activations = None
    results = {}
    for name, settings in searches.items():
        if settings.objective == "cost" and activations is None:
            activations = reference_activations(model, references)
        cost = build_cost(activations, settings) if settings.objective == "cost" else None
        start = STARTS[settings.start](images, references, generator(seed, "start", label))
        results[name] = optimize_images(model, label, start, settings, generator(seed, "restart", label), cost)
    return results


def optimize_images(
    model: nn.Module,
    label: int,
    start: Tensor,
    settings: ImageOptimization,
    generator: torch.Generator,
    cost: BackworkingCost | None = None,
) -> SearchResult:
    """Move `start` (N, C, H, W) until `model` gives every image to `label`, as `settings` say.

    One Adam step per iteration on all images together; `generator` draws the noise of images that start
    again, whose Adam moments survive, as in the original. `cost` is needed for the objective "cost".
    Source: the write-up's `get_faulty_input_layer`.
    """
    images = start.detach().to(device_of(model), copy=True).requires_grad_()
    optimizer = Adam([images], epsilon_hat=True)
    reinitialized = torch.zeros(len(start), dtype=torch.long)
    last_reset = torch.zeros(len(start), dtype=torch.long)
    layers = model.activations(images)
    trace = [_probability(layers, label)]
    previous = math.inf
    for step in range(1, settings.max_steps + 1):
        value = objective(layers, label, settings, cost)
        optimizer.step(list(torch.autograd.grad(value, images)), settings.learning_rate)
        if settings.clamp:
            images.data.clamp_(0, 1)
        layers = model.activations(images)  # gives p of this step and the gradient of the next
        trace.append(_probability(layers, label))
        moved, previous = abs(value.item() - previous), value.item()
        if step >= settings.min_steps and _is_done(settings, trace[-1], moved):
            break
        fallen = _keeps_falling(trace, last_reset, settings)
        if fallen.any() and step < settings.max_steps:
            noise = torch.rand((int(fallen.sum()), *start.shape[1:]), generator=generator)
            images.data[fallen] = noise.to(images.device)
            layers = model.activations(images)
            reinitialized += fallen
            last_reset[fallen] = step
    return SearchResult(
        images=images.detach().cpu(),
        trace=torch.stack(trace),
        reinitialized=reinitialized,
        clamped=settings.clamp,
    )


def objective(
    layers: dict[str, Tensor], label: int, settings: ImageOptimization, cost: BackworkingCost | None
) -> Tensor:
    """What the search minimizes, a differentiable scalar: the cost, mean(-log p) or mean(-logit)."""
    logits = layers[OUTPUT_LAYER]
    if settings.objective == "cost":
        return cost(layers, logits.softmax(1)[:, label])
    if settings.objective == "log_p":
        return -logits.log_softmax(1)[:, label].mean()
    return -logits[:, label].mean()


def _probability(layers: dict[str, Tensor], label: int) -> Tensor:
    """p of `label` (N,), on the CPU and outside the graph."""
    return layers[OUTPUT_LAYER].detach().softmax(1)[:, label].cpu()


def _is_done(settings: ImageOptimization, p: Tensor, moved: float) -> bool:
    return (
        (settings.stop_min_p is not None and p.min().item() > settings.stop_min_p)
        or (settings.stop_mean_p is not None and p.mean().item() > settings.stop_mean_p)
        or moved < settings.tolerance
    )


def _keeps_falling(trace: list[Tensor], last_reset: Tensor, settings: ImageOptimization) -> Tensor:
    """(N,) bool: no rise of p among its last `reinitialize_after` values, and the last is low.

    Only p after a step of its own counts: neither the start's nor one from before a re-initialization.
    """
    count = settings.reinitialize_after
    if count == 0 or len(trace) <= count:
        return torch.zeros_like(last_reset, dtype=torch.bool)
    recent = torch.stack(trace[-count:])
    long_enough = len(trace) - 1 - last_reset >= count
    return long_enough & (recent.diff(dim=0) <= 0).all(0) & (recent[-1] < settings.reinitialize_below)
