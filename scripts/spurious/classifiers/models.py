"""The classifiers that are trained here, with named layers whose activations can be read."""

import math
from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from pydantic import ConfigDict, model_validator
from torch import Tensor, nn

from spurious.classifiers.architectures import Architecture
from spurious.errors import SpuriousError
from spurious.registry import Settings, parse


class Description(Settings):
    """All that is needed to build a classifier again; stored in the header of its weights.

    `image_shape` is (C, H, W). `channels` and `units` are the widths of the CNN; they are in every header, although
    softmax has neither. The parameters of other architectures are keys beside these, with their defaults where they are
    left out. SpuriousError for an architecture that there is not, and for keys and values that it does not take.
    """

    model_config = ConfigDict(extra="allow")

    architecture: str
    image_shape: tuple[int, ...]
    classes: int
    channels: Any = (32, 64)
    units: Any = 1024

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, value: Any) -> Any:
        name = value.get("architecture") if isinstance(value, Mapping) else None
        known = isinstance(name, str) and name in Architecture.kinds
        return {**Architecture.kinds[name].defaults(), **value} if known else value

    @model_validator(mode="after")
    def _of_its_architecture(self) -> Self:
        self.entry()
        return self

    def entry(self) -> Architecture:
        """The architecture with its parameters."""
        own = self.model_dump(exclude={"image_shape", "classes"})
        known = {"architecture", *Architecture.of(own).model_fields}
        return parse(Architecture, {key: own[key] for key in own if key in known or key not in ("channels", "units")})


class ConvNet(nn.Module):
    """The write-up's CNN: two 5x5 convolutions with 2x2 max pooling, a hidden layer, softmax.

    Takes float32 images (N, C, H, W) in [0, 1] and returns logits (N, classes). Both the convolutions
    and the pooling pad as TensorFlow's "SAME" does; the convolutions do not with a `padding` of 0, for which an image
    of less than 13 pixels a side is a SpuriousError.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        channels: tuple[int, int],
        units: int,
        padding: int = 2,
    ):
        super().__init__()
        depth, height, width = image_shape
        first, second = channels
        height, width = (_pooled(_pooled(side, padding), padding) for side in (height, width))
        if min(height, width) < 1:
            raise SpuriousError(
                f"lenet: {image_shape[1]} x {image_shape[2]} pixels are too few, 13 x 13 are needed; use the cnn"
            )
        self.conv1 = nn.Conv2d(depth, first, 5, padding=padding)
        self.conv2 = nn.Conv2d(first, second, 5, padding=padding)
        self.fc = nn.Linear(second * height * width, units)
        self.out = nn.Linear(units, classes)

    def _hidden(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # pooled first, as ReLU then has a quarter of the values: the same numbers, and gradients, in less time
        conv1 = F.relu(F.max_pool2d(self.conv1(images), 2, ceil_mode=True))
        conv2 = F.relu(F.max_pool2d(self.conv2(conv1), 2, ceil_mode=True))
        return conv1, conv2, self.fc(conv2.flatten(1))

    def activations(self, images: Tensor) -> dict[str, Tensor]:
        """Every layer by name: input, pooled conv1 and conv2, fc before its ReLU, and softmax's logits."""
        conv1, conv2, fc = self._hidden(images)
        return {"input": images, "conv1": conv1, "conv2": conv2, "fc": fc, "softmax": self.out(F.relu(fc))}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.out(F.relu(self._hidden(images)[-1]))


def _pooled(side: int, padding: int) -> int:
    """The pixels of a side after a convolution of 5 taps and the pooling."""
    return math.ceil((side + 2 * padding - 4) / 2)


class SoftmaxRegression(nn.Module):
    """One linear layer on the pixels. Images (N, C, H, W) in [0, 1] to logits (N, classes)."""

    def __init__(self, image_shape: tuple[int, int, int], classes: int):
        super().__init__()
        self.out = nn.Linear(math.prod(image_shape), classes)

    def activations(self, images: Tensor) -> dict[str, Tensor]:
        """Every layer by name: input, and softmax's logits."""
        return {"input": images, "softmax": self(images)}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.out(images.flatten(1))


class MaxoutNetwork(nn.Module):
    """Two hidden layers of maxout units, the largest of `pieces` linear functions each; a linear layer on top.

    Images (N, C, H, W) in [0, 1] to logits (N, classes). Goodfellow et al., "Maxout networks", ICML (2013), section 2.
    """

    def __init__(self, image_shape: tuple[int, int, int], classes: int, units: int, pieces: int):
        super().__init__()
        self.pieces = pieces
        self.hidden1 = nn.Linear(math.prod(image_shape), units * pieces)
        self.hidden2 = nn.Linear(units, units * pieces)
        self.out = nn.Linear(units, classes)

    def _largest(self, pieces: Tensor) -> Tensor:
        """Maxout units (N, units) of their pieces (N, units * pieces), those of a unit side by side."""
        return pieces.unflatten(1, (-1, self.pieces)).amax(2)

    def activations(self, images: Tensor) -> dict[str, Tensor]:
        """Every layer by name: input, the maxout units hidden1 and hidden2, and softmax's logits."""
        hidden1 = self._largest(self.hidden1(images.flatten(1)))
        hidden2 = self._largest(self.hidden2(hidden1))
        return {"input": images, "hidden1": hidden1, "hidden2": hidden2, "softmax": self.out(hidden2)}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.activations(images)["softmax"]


class RadialBasisNetwork(nn.Module):
    """A radial basis function for each class: p(class is there) = exp(-distance), whatever the other classes are.

    The distance is the sum over the pixels of (width (pixel - centre))^2. That is -(x - mu)^T beta (x - mu) of
    Goodfellow et al., "Explaining and harnessing adversarial examples", ICLR (2015), section 7, with a diagonal beta.
    Images (N, C, H, W) in [0, 1] to logits (N, classes), log p / (1 - p) of each class alone. Far from every centre all
    p are near 0.
    """

    independent_classes = True
    nearest = 1e-6  # a smaller distance counts as this one: the log odds of a p of 1 are infinite

    def __init__(self, image_shape: tuple[int, int, int], classes: int):
        super().__init__()
        pixels = math.prod(image_shape)
        # layers that hold the numbers and are never applied: a product of matrices would lose the small distances
        self.centres = nn.Linear(pixels, classes, bias=False)
        self.widths = nn.Linear(pixels, classes, bias=False)

    def activations(self, images: Tensor) -> dict[str, Tensor]:
        """Every layer by name: input, the distances (N, classes), and as softmax the logits, although there is none."""
        differences = images.flatten(1)[:, None] - self.centres.weight
        distances = (self.widths.weight * differences).square().sum(2).clamp_min(self.nearest)
        return {"input": images, "distances": distances, "softmax": -distances - (-torch.expm1(-distances)).log()}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.activations(images)["softmax"]


def build_classifier(description: Description) -> nn.Module:
    """The untrained classifier of that description; ValueError where it cannot take images of that shape."""
    return description.entry().build(description.image_shape, description.classes)


def initialize(model: nn.Module, scheme: str, generator: torch.Generator) -> None:
    """Draw new parameters in place, all from `generator`, which is the CPU's.

    "published": weights from a normal with standard deviation .1 truncated at two of them, biases .1.
    "pytorch": PyTorch's default for linear and convolutional layers, U(-b, b) with b = 1 / sqrt(fan-in).
    Equal generators give equal parameters on every device: they are drawn on the CPU and copied. Frozen ones stay.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.requires_grad:
            own = [parameter for parameter in (layer.weight, layer.bias) if parameter is not None]
            weight, *biases = (torch.empty_like(parameter, device="cpu") for parameter in own)
            if scheme == "published":
                nn.init.trunc_normal_(weight, std=0.1, a=-0.2, b=0.2, generator=generator)
                for bias in biases:
                    nn.init.constant_(bias, 0.1)
            else:
                bound = 1 / math.sqrt(weight[0].numel())
                for drawn in (weight, *biases):
                    nn.init.uniform_(drawn, -bound, bound, generator=generator)
            for parameter, drawn in zip(own, (weight, *biases), strict=True):
                parameter.data.copy_(drawn)
