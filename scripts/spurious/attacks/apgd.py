"""Projected gradient ascent with a step size that adapts itself.

Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks",
ICML (2020), algorithm 1: momentum, and steps that halve where the objective has stopped rising.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from spurious.attacks.within import Found, Within
from spurious.errors import SpuriousError
from spurious.perturbations.balls import project
from spurious.perturbations.norms import NORMS

MOMENTUM = 0.75  # alpha
RISING = 0.75  # rho: the share of the steps between two checks that must have raised the objective

# Of images (n, C, H, W) and the places (n,) that they have among the starts: objectives (n,), which are raised, and
# whether (n,) each is what the attack wants.
Evaluate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def checks(steps: int) -> list[int]:
    """The steps after which the step size is looked at: shares .22, .41, .57, ... of all, 3 % less each time, at
    least 6 %.
    """
    per_cent, width, found = 22, 22, []
    while per_cent <= 100:
        found.append(-(-per_cent * steps // 100))  # rounded up
        width = max(width - 3, 6)
        per_cent += width
    return sorted(set(found))


def ascend(
    evaluate: Evaluate,
    start: Tensor,
    begin: Tensor,
    ball: Within,
    steps: int,
    *,
    stop: bool = True,
    on_steps: Callable[[int], object] = lambda done: None,
) -> Found:
    """Raise an objective from `begin` within the ball around `start`, both (N, C, H, W), by `steps` steps.

    Every iterate counts, the first and the last too. With `stop` an image is done at the first one that `evaluate`
    says is wanted, and that one is kept; of the others, and without `stop` of all, the one with the largest objective.
    An image's path depends on no other, but for rounding. `on_steps` is called with how many more steps are done, those
    that no image needed included. Raises SpuriousError where there is no gradient to follow.
    """
    search, looks, last = _Ascent(evaluate, start, begin, ball, stop), checks(steps), 0
    for step in range(1, steps + 1):
        if not len(search.live):
            on_steps(steps - step + 1)
            break
        search.move(MOMENTUM if step > 1 else 1.0)
        on_steps(1)
        if step in looks:
            search.adapt(step - last)
            last = step
    return Found(images=search.found, success=search.success)


class _Ascent:
    """The images that are still moved, with what algorithm 1 remembers of each; `live` are their places."""

    OF_EACH = (
        *("live", "start", "images", "before", "best", "value", "most", "most_before", "size", "size_before"),
        *("rises", "gradients", "best_gradients"),
    )

    def __init__(self, evaluate: Evaluate, start: Tensor, begin: Tensor, ball: Within, stop: bool):
        self.evaluate, self.ball, self.stop = evaluate, ball, stop
        self.found, self.success = begin.clone(), torch.zeros(len(start), dtype=torch.bool, device=start.device)
        self.live = torch.arange(len(start), device=start.device)
        self.start, self.images, self.before, self.best = start, begin, begin, begin
        self.most = torch.full((len(start),), -math.inf, device=start.device)
        self.size = torch.full((len(start), 1, 1, 1), 2 * ball.epsilon, device=start.device)
        self.rises = torch.zeros(len(start), device=start.device)
        self.most_before, self.size_before = self.most, self.size
        self.gradients = self.best_gradients = torch.zeros_like(begin)
        if len(start):
            self._look(None)
            self.most_before = self.most

    def move(self, momentum: float) -> None:
        """One step along the gradient and the last change, back into the ball."""
        direction = NORMS[self.ball.norm].direction(self.gradients)
        ahead = project(self.images + self.size * direction, self.start, self.ball)
        ahead = self.images + momentum * (ahead - self.images) + (1 - momentum) * (self.images - self.before)
        old, self.before = self.value, self.images
        self.images = project(ahead, self.start, self.ball)
        self._look(old)

    def adapt(self, since: int) -> None:
        """Halve the steps of the images that rose in too few of the steps `since` the last check, or gained nothing
        although their steps had not been halved at it; these go back to their best, and go on without momentum.
        """
        stuck = (self.size == self.size_before).flatten() & (self.most == self.most_before)
        halved = ((self.rises < RISING * since) | stuck)[:, None, None, None]
        self.size_before, self.most_before = self.size, self.most
        self.size = torch.where(halved, self.size / 2, self.size)
        self.images = torch.where(halved, self.best, self.images)
        self.before = torch.where(halved, self.best, self.before)
        self.gradients = torch.where(halved, self.best_gradients, self.gradients)
        self.value = torch.where(halved.flatten(), self.most, self.value)
        self.rises = torch.zeros_like(self.rises)

    def _look(self, old: Tensor | None) -> None:
        """Evaluate the images, remember the best of each and its gradient, and put aside those that are done."""
        self.value, success, self.gradients = _with_gradient(self.evaluate, self.images, self.live)
        self.rises = self.rises if old is None else self.rises + (self.value > old)
        better = self.value > self.most
        self.most = torch.where(better, self.value, self.most)
        self.best = torch.where(better[:, None, None, None], self.images, self.best)
        self.best_gradients = torch.where(better[:, None, None, None], self.gradients, self.best_gradients)
        kept = self.images if self.stop else self.best
        changed = better | success if self.stop else better
        self.found[self.live[changed]] = kept[changed]
        self.success[self.live] |= success
        if self.stop and success.any():
            self._keep(~success)

    def _keep(self, going: Tensor) -> None:
        """Go on with some of the images only."""
        for name in self.OF_EACH:
            setattr(self, name, getattr(self, name)[going])


def _with_gradient(evaluate: Evaluate, images: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Objectives (n,), whether each is wanted (n,), and the gradients (n, C, H, W) on the pixels."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        value, success = evaluate(images, places)
        if not value.requires_grad:
            raise SpuriousError("the classifier has no gradient on the pixels; attack it by its scores or decisions")
        (gradients,) = torch.autograd.grad(value.sum(), images)
    return value.detach(), success, gradients
