"""The attack inside a training against attacks: the loss of the weights as they are is raised within a ball."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from spurious.attacks.scores import Scores

REACH = 2.5  # all steps together, in sizes of the ball


def raise_loss(
    logits: Scores,
    images: Tensor,
    targets: Tensor,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = partial(F.cross_entropy, reduction="none"),  # noqa: B008
) -> Tensor:
    """Images within epsilon (L-inf) and in [0, 1] whose loss is higher: PGD from a random start.

    `images` (N, C, H, W) are in [0, 1], `targets` (N, K) probabilities, `loss` gives (N,) of logits and targets;
    `generator` draws the start on the CPU. Each step goes along the signs of the gradient, REACH / steps of epsilon.
    Madry et al., "Towards deep learning models resistant to adversarial attacks", ICLR (2018).
    """
    drawn = 2 * torch.rand(images.shape, generator=generator) - 1
    moved = within_box(images + epsilon * drawn.to(images.device), images, epsilon)
    for _ in range(steps):
        moved.requires_grad_()
        (gradients,) = torch.autograd.grad(loss(logits(moved).float(), targets).sum(), moved)
        moved = within_box(moved.detach() + REACH / steps * epsilon * gradients.sign(), images, epsilon)
    return moved


def within_box(images: Tensor, start: Tensor, epsilon: float) -> Tensor:
    """The nearest images (N, C, H, W) whose pixels are within epsilon of those of `start`, and in [0, 1].

    That is `balls.project` of "linf", for trainings: they do not depend on the norms of the attacks.
    """
    return images.clamp(start - epsilon, start + epsilon).clamp_(0, 1)
