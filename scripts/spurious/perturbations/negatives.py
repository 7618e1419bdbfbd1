"""Images of no class that training gets as negatives."""

import torch
from torch import Tensor


def noise_negatives(kind: str, count: int, image_shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """`count` noise images (count, C, H, W): "uniform" U[0, 1], or "normal" N(0, 1) clamped to [0, 1]."""
    if kind == "uniform":
        return torch.rand((count, *image_shape), generator=generator)
    return torch.randn((count, *image_shape), generator=generator).clamp_(0, 1)
