"""The write-up's backworking cost: strongly classified, yet unlike the training images and each other.

For every layer but the last, with weight w, the cost adds

    w * reference_weight / R + w * batch_weight / B

where R is the mean over the generated images of the squared distance to the nearest training image of
the label (mean over features; for a fully connected layer the nearest is taken per unit, as the original
code does), and B is the mean squared difference over all pairs of generated images, each with itself
included. Both count as 1e-19 at least: a copy of a training image, and a single image, have a finite cost.
The last layer adds w * mean(1 - p). Source: the write-up's `get_cost_from_layer`.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from spurious.attacks.settings import ImageOptimization
from spurious.errors import SpuriousError
from spurious.modules import device_of

OUTPUT_LAYER = "softmax"
PER_UNIT_LAYER = "fc"


class LayeredClassifier(Protocol):
    """A classifier whose layers can be read by name, the logits last under "softmax"."""

    def activations(self, images: Tensor) -> dict[str, Tensor]:
        """Layer name to activations (N, ...) of images (N, C, H, W)."""


class NearestImage:
    """Squared distances to the nearest of R reference activations, a mean over all features."""

    def __init__(self, references: Tensor):
        self.references = references.flatten(1)  # (R, D)
        self.squared_norms = self.references.square().sum(1)

    def distances(self, activations: Tensor) -> Tensor:
        """(N,) for activations (N, ...), differentiable.

        Only the choice of the row uses the expansion |a|^2 - 2 ab, whose rounding is harmless there; the
        distance itself is taken from the chosen row, since the expansion loses it by cancellation.
        """
        generated = activations.flatten(1)
        with torch.no_grad():
            nearest = torch.addmm(self.squared_norms, generated, self.references.T, alpha=-2).argmin(1)
        return (generated - self.references[nearest]).square().mean(1)


class NearestPerUnit:
    """Squared distances to the nearest reference value of each unit by itself."""

    def __init__(self, references: Tensor):
        self.sorted = references.flatten(1).T.contiguous().sort(1).values  # (D, R)

    def distances(self, activations: Tensor) -> Tensor:
        """(N, D) for activations (N, D), differentiable."""
        generated = activations.flatten(1)
        with torch.no_grad():
            values = generated.T.contiguous()  # (D, N)
            above = torch.searchsorted(self.sorted, values).clamp_(max=self.sorted.shape[1] - 1)
            upper, lower = self.sorted.gather(1, above), self.sorted.gather(1, (above - 1).clamp_(min=0))
            nearest = torch.where((upper - values).abs() < (values - lower).abs(), upper, lower).T
        return (generated - nearest).square()


@dataclass(frozen=True)
class LayerTerm:
    """One layer's references and the coefficients of its two terms."""

    name: str
    references: NearestImage | NearestPerUnit
    reference_coefficient: float
    batch_coefficient: float

    def cost(self, activations: Tensor) -> Tensor:
        """Both terms for the generated images' activations (N, ...); a scalar."""
        # the mean over all pairs, self-pairs included, is twice the biased variance
        spread = 2 * (activations - activations.mean(0)).square().mean()
        distance = self.references.distances(activations).mean()
        return _inverse(self.reference_coefficient, distance) + _inverse(self.batch_coefficient, spread)


def _inverse(coefficient: float, distance: Tensor) -> Tensor:
    """coefficient / distance, with a finite gradient whatever the distance.

    The root of the smallest normal number (1e-19 in float32) is the least distance that counts: its square, by which
    the gradient divides, is still above 0. Nearer, as at a copy of a training image, there is no gradient.
    """
    return coefficient / distance.clamp(min=torch.finfo(distance.dtype).tiny ** 0.5)


class BackworkingCost:
    """The cost of generated images of one label under one classifier."""

    def __init__(self, terms: list[LayerTerm], softmax_coefficient: float):
        self.terms, self.softmax_coefficient = terms, softmax_coefficient

    def __call__(self, layers: dict[str, Tensor], p: Tensor) -> Tensor:
        """The scalar cost, from the layers of the generated images and their p of the label (N,)."""
        return sum((term.cost(layers[term.name]) for term in self.terms), self.softmax_coefficient * (1 - p).mean())


def build_cost(references: dict[str, Tensor], settings: ImageOptimization) -> BackworkingCost:
    """The cost of `settings` with the reference activations (R, ...) of every hidden layer.

    Raises SpuriousError when `layer_weights` lacks a layer of the classifier.
    """
    weights = settings.layer_weights
    if missing := {*references, OUTPUT_LAYER} - set(weights):
        raise SpuriousError(f"layer_weights: no weight for the layer {min(missing)!r} of this classifier; add one")
    terms = [
        LayerTerm(
            name=name,
            references=NearestPerUnit(values) if name == PER_UNIT_LAYER else NearestImage(values),
            reference_coefficient=weights[name] * settings.reference_weight,
            batch_coefficient=weights[name] * settings.batch_weight,
        )
        for name, values in references.items()
    ]
    return BackworkingCost(terms, weights[OUTPUT_LAYER])


@torch.inference_mode()
def reference_activations(model: LayeredClassifier, images: Tensor, *, batch_size: int = 500) -> dict[str, Tensor]:
    """Activations (R, ...) of reference images (R, C, H, W) at every hidden layer, on the model's device."""
    device = device_of(model)
    parts: list[dict[str, Tensor]] = [model.activations(batch.to(device)) for batch in images.split(batch_size)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0] if name != OUTPUT_LAYER}
