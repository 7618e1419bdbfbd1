"""The CNN once more, for gradients on the pixels of many images at once on a CPU: the same values, sooner.

What costs beside the arithmetic: max pooling with the channels outermost, activations of what pooling drops, the
gradient of a convolution with few input channels, and matrix products by a library that does not use all of the
processor. The twin has the channels innermost, pools before it activates, takes the first gradient as one product for
every pixel, and leaves the large products to oneDNN, as convolutions.
"""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spurious.classifiers.models import ConvNet


def faster(model: nn.Module) -> nn.Module:
    """A twin with the same logits and gradients up to rounding where there is a faster one, else `model` itself."""
    if not isinstance(model, ConvNet) or not torch.backends.mkldnn.is_available():
        return model
    weight = model.conv1.weight
    return _Twin(model) if (weight.device.type, weight.dtype) == ("cpu", torch.float32) else model


class _Twin(nn.Module):
    """A ConvNet's logits (N, classes) of images (N, C, H, W); gradients reach the images alone."""

    def __init__(self, model: ConvNet):
        super().__init__()
        weights = {name: value.detach() for name, value in model.named_parameters()}
        self.bias1, self.bias2, self.bias3 = (weights[f"{name}.bias"] for name in ("conv1", "conv2", "fc"))
        self.weight1, self.weight2 = (innermost(weights[f"{name}.weight"]) for name in ("conv1", "conv2"))
        self.weight3 = weights["fc.weight"].unflatten(1, (len(self.weight2), -1))  # (units, channels, places)
        self.out = weights["out.weight"], weights["out.bias"]

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        conv1 = _pooled(_FirstConvolution.apply(images, self.weight1, self.bias1))
        conv2 = _pooled(F.conv2d(conv1, self.weight2, self.bias2, padding=2))
        hidden = _Hidden.apply(conv2, *self._hidden(conv2.shape[2:]), self.bias3)
        return F.linear(F.relu(hidden), *self.out)

    @functools.cache  # noqa: B019 - dies with the twin
    def _hidden(self, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The weights of the hidden layer for maps of this size: (units, C, H, W), and (H W C, units, 1, 1)."""
        weight = self.weight3.unflatten(2, size)
        return innermost(weight), innermost(weight.permute(2, 3, 1, 0).flatten(0, 2)[:, :, None, None])


def innermost(maps: Tensor) -> Tensor:
    """Maps or weights (N, C, H, W) with the channels innermost in memory."""
    return maps.contiguous(memory_format=torch.channels_last)


def _pooled(maps: Tensor) -> Tensor:
    """The model's max_pool2d(relu(maps), 2), which is the same the other way round."""
    return F.relu(F.max_pool2d(maps, 2, ceil_mode=True))


class _Hidden(torch.autograd.Function):
    """The hidden layer (N, units), as a convolution of the whole maps (N, C, H, W); weights as `_Twin._hidden`."""

    @staticmethod
    def forward(context, maps: Tensor, weight: Tensor, back: Tensor, bias: Tensor) -> Tensor:
        context.back, context.shape = back, maps.shape
        return F.conv2d(maps, weight, bias).flatten(1)

    @staticmethod
    def backward(context, gradients: Tensor) -> tuple[Tensor, None, None, None]:
        # the images of the batch stand side by side as the pixels of one: a product (N, units) @ (units, H W C)
        product = F.conv2d(gradients.T[None, :, :, None], context.back)[0, :, :, 0].T
        count, channels, height, width = context.shape
        return product.reshape(count, height, width, channels).permute(0, 3, 1, 2), None, None, None


class _FirstConvolution(torch.autograd.Function):
    """A convolution that keeps the size; its gradient by a product for every pixel, and a sum of shifted maps."""

    @staticmethod
    def forward(context, images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        context.weight, context.size = weight, images.shape[2:]
        return innermost(F.conv2d(innermost(images), weight, bias, padding=weight.shape[-1] // 2))

    @staticmethod
    def backward(context, gradients: Tensor) -> tuple[Tensor, None, None]:
        kernel = context.weight.shape[-1]
        patches = F.conv2d(gradients, innermost(context.weight.flatten(1).T[:, :, None, None]))
        return F.fold(patches.flatten(2), context.size, kernel, padding=kernel // 2), None, None
