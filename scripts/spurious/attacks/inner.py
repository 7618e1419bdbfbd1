"""The attack inside a training against attacks: the loss of the weights as they are is raised within a ball."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.attacks.within import Within
from spurious.perturbations.balls import project

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
    ball = Within(norm="linf", epsilon=epsilon)
    drawn = 2 * torch.rand(images.shape, generator=generator) - 1
    moved = project(images + epsilon * drawn.to(images.device), images, ball)
    for _ in range(steps):
        moved.requires_grad_()
        (gradients,) = torch.autograd.grad(loss(logits(moved).float(), targets).sum(), moved)
        moved = project(moved.detach() + REACH / steps * epsilon * gradients.sign(), images, ball)
    return moved
