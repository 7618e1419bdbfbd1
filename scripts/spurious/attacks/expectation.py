"""The attack on a smoothed classifier: the gradient of the mean over noise draws."""

from collections.abc import Callable

import torch
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.perturbations.norms import NORMS

SHORTENED = 20  # times, at most
ROUNDING = 1e-5  # of a radius


def move_away(
    scores: Scores, image: Tensor, decision: int, radius: float, noise: Callable[[int], Tensor], *, steps: int
) -> Tensor:
    """The image (C, H, W) after `steps` of projected gradient descent within the L2 `radius`, away from `decision`.

    Each step lowers log mean softmax(scores(image + noise))[decision], over the noise (M, C, H, W) of its own number,
    by 2.5 radius / steps along the gradient. Scores (n, K) are those of the smoothed classifier's decisions. Not
    clamped, as the certificate holds for every image in the ball. Salman et al., "Provably robust deep learning via
    adversarially trained smoothed classifiers", NeurIPS (2019), equation 6; expectation over transformation in Athalye
    et al., "Synthesizing robust adversarial examples", ICML (2018).
    """
    norm, start = NORMS["l2"], image[None]
    moved = start
    for step in range(steps):
        moved = moved.detach().requires_grad_()
        mean = scores(moved + noise(step)).softmax(1).mean(0)[decision]
        (gradient,) = torch.autograd.grad(mean.clamp(min=torch.finfo(mean.dtype).tiny).log(), moved)
        ahead = moved.detach() - 2.5 * radius / steps * norm.direction(gradient)
        moved = norm.project(ahead, start, radius)
    return _within(moved.detach(), start, radius)[0]


def _within(moved: Tensor, start: Tensor, radius: float) -> Tensor:
    """The images (1, C, H, W), shortened until they are within the radius: that of a large image may be so small that
    what rounds its pixels to float32 leads out of it. The start where nothing else is.
    """
    for _ in range(SHORTENED):
        length = NORMS["l2"].size(moved - start).item()
        if length <= radius * (1 + ROUNDING):
            return moved
        moved = start + 0.99 * radius / length * (moved - start)
    return start
