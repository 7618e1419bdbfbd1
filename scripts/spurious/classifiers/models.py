"""The classifiers that are trained here, with named layers whose activations can be read."""

import math
from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from pydantic import ConfigDict, model_validator
from torch import Tensor, nn

from spurious.classifiers.entries import Architecture
from spurious.errors import SpuriousError
from spurious.registry import Settings, parse


class Description(Settings):
    """All that is needed to build a classifier again; stored in the header of its weights.

    `image_shape` is (C, H, W). `channels` and `units` are the widths of the CNN; they stand in every header, although
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
