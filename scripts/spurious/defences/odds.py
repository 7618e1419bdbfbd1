"""Log odds of classes, exact where probabilities round to 1."""

import torch
from torch import Tensor


def log_odds(logits: Tensor) -> Tensor:
    """log p / (1 - p) of every class (N, K), differentiable, from logits (N, K).

    For the largest logit it is that logit minus the log-sum-exp of the others, since 1 - p loses its digits there.
    """
    label = logits.argmax(1, keepdim=True)
    largest = logits.gather(1, label) - logits.scatter(1, label, -torch.inf).logsumexp(1, keepdim=True)
    log_p = logits.log_softmax(1)
    others = log_p - torch.log1p(-log_p.exp().clamp(max=0.5))
    return others.scatter(1, label, largest)
