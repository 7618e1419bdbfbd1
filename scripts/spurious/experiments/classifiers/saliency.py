"""Which pixels raise the probability of a label."""

import torch
from torch import Tensor, nn

from spurious.modules import has_independent_classes


def input_gradients(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Gradients (N, C, H, W) of the probability of `labels` (N,) with respect to `images`' pixels.

    `images` float32 (N, C, H, W) in [0, 1], on the model's device like `labels`.
    """
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        logits = model(images)
        rows = torch.arange(len(images), device=logits.device)
        own = logits[rows, labels]
        if has_independent_classes(model):
            return torch.autograd.grad(own.sigmoid().sum(), images)[0]
        # dp = p * sum over the others j of p_j (d own - d logit_j). Differentiating the softmax itself computes
        # 1 - p, which is 0 in float32 for the surest images: their gradient would lack its larger part.
        p = logits.detach().softmax(1)
        others = p.clone().index_put_((rows, labels), torch.zeros_like(own))
        weighted = p[rows, labels] * (others * (own[:, None] - logits)).sum(1)
        (gradients,) = torch.autograd.grad(weighted.sum(), images)
    return gradients


def largest_positive(gradients: Tensor, count: int = 200) -> Tensor:
    """At most `count` largest positive values of each row of (N, pixels), zeros elsewhere."""
    positive = gradients.clamp(min=0)
    values, places = positive.topk(min(count, gradients.shape[1]), dim=1)
    return torch.zeros_like(gradients).scatter(1, places, values)
