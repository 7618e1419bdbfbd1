"""A classifier of several views that may reject, as one classifier of K + 1 classes; needs neither views nor models.

Of the logits z of view v, m_v(t) = z_t - max of the others is above 0 for the view's class alone. With s_t the lower
median of m_v(t) over the views, s_t is above 0 exactly where more than half of the views name t: of V values in
ascending order it is number (V + 1) // 2, and it is above 0 where so are it and all the larger ones, more than V / 2 of
them. So with s_reject = 0 the largest s is the class that more than half of the views name, and a rejection where there
is none.
"""

import torch
from torch import Tensor

SMALLEST = torch.finfo(torch.float32).tiny


def margins(logits: Tensor) -> Tensor:
    """m(t) = z_t - the largest other (..., K), differentiable, from logits (..., K).

    Above 0 at the largest logit only. Of equal ones that is the first, as for `argmax`: where two logits are equal the
    margin is moved from 0 by the smallest number, above 0 for the first and below 0 for the others.
    """
    label = logits.argmax(-1, keepdim=True)
    largest = logits.gather(-1, label)
    second = logits.scatter(-1, label, -torch.inf).amax(-1, keepdim=True)
    own = torch.zeros_like(logits, dtype=torch.bool).scatter_(-1, label, True)
    differences = logits - torch.where(own, second, largest)
    with torch.no_grad():
        moved = torch.where(own, differences.clamp(min=SMALLEST), differences.clamp(max=-SMALLEST)) - differences
    return differences + moved


def joint(view_margins: Tensor) -> Tensor:
    """Scores s (N, K + 1), the last of them that of a rejection, 0, from the margins (V, N, K) of V views.

    The largest is the decision; of equal ones the first, so that a rejection needs all classes below 0.
    """
    middle = lower_median(view_margins)
    return torch.cat([middle, middle.new_zeros(len(middle), 1)], dim=1)


def lower_median(values: Tensor) -> Tensor:
    """The lower median over the first dimension, of V values number (V + 1) // 2; its gradient is that of this one."""
    return values[0] if len(values) == 1 else values.median(0).values


def is_wrong(scores: Tensor, labels: Tensor) -> Tensor:
    """(N,) bool: whether scores (N, K + 1) decide for a class other than the label (N,); a rejection is none."""
    decision = scores.argmax(1)
    return (decision != labels) & ~is_rejected(scores)


def is_rejected(scores: Tensor) -> Tensor:
    """(N,) bool: whether scores (N, K + 1) decide for a rejection."""
    return scores.argmax(1) == scores.shape[1] - 1
