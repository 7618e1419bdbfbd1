"""Noise moved to where a classifier is most confident: the inner attack of training, and its measurement."""

from collections.abc import Callable

import torch
from torch import Tensor

from spurious.attacks.inner import within_box
from spurious.attacks.worth import log_odds


def raise_confidence(
    logits_of: Callable[[Tensor], Tensor], start: Tensor, classes: int, *, epsilon: float, steps: int
) -> Tensor:
    """Images within `epsilon` (L-infinity) of `start` (N, C, H, W) and in [0, 1], moved up the largest probability.

    Of the first `classes` logits (N, K) the largest at each step counts, so that an extra class is none that the attack
    wants. `steps` steps of 2.5 epsilon / steps along the signs of its gradient, through the classifier as it is now.
    Source: Hein et al., "Why ReLU networks yield high-confidence predictions far away from the training data and how to
    mitigate the problem", CVPR (2019), equation 9.
    """
    images = start
    for _ in range(steps):
        gradients = confidence_gradients(logits_of, images, classes)
        moved = images + 2.5 * epsilon / steps * gradients.sign()
        images = within_box(moved, start, epsilon)
    return images


def confidence_gradients(logits_of: Callable[[Tensor], Tensor], images: Tensor, classes: int) -> Tensor:
    """The gradients (N, C, H, W) of the log odds of each image's largest of the first `classes` on its pixels."""
    images = images.detach().requires_grad_()
    logits = logits_of(images).float()
    largest = logits.detach()[:, :classes].argmax(1)
    return torch.autograd.grad(log_odds(logits, largest).sum(), images)[0]
