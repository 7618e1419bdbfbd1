"""Log odds of all classes, exact where probabilities round to 1."""

import torch
from torch import Tensor

from spurious.attacks.worth import log_odds


def log_odds_of_all(logits: Tensor) -> Tensor:
    """log p / (1 - p) of every class (N, K), differentiable, from logits (N, K).

    That of the largest logit is `log_odds`, since 1 - p loses its digits there.
    """
    label = logits.argmax(1)
    log_p = logits.log_softmax(1)
    others = log_p - torch.log1p(-log_p.exp().clamp(max=0.5))
    return others.scatter(1, label[:, None], log_odds(logits, label)[:, None])
