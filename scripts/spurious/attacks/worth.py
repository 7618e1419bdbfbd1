"""What a class is worth to a classifier, by its logits: what attacks along the gradient raise or lower."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    """log p / (1 - p) (N,) of `classes` (N,), from logits (N, K).

    Its gradient on the pixels is that of log p divided by 1 - p: the same direction. But that of log p is 0 in float32
    where p rounds to 1, and then leads nowhere.
    """
    place = classes[:, None]
    return (logits.gather(1, place) - logits.scatter(1, place, -math.inf).logsumexp(1, keepdim=True))[:, 0]


def independent_log_likelihood(logits: Tensor, classes: Tensor) -> Tensor:
    """log p (N,) that `classes` (N,) are there and no others, from the log odds (N, K) of each class alone."""
    there = F.one_hot(classes, logits.shape[1]).bool()
    return F.logsigmoid(torch.where(there, logits, -logits)).sum(1)


def margin(logits: Tensor, classes: Tensor) -> Tensor:
    """The logit of `classes` (N,) minus the largest other, (N,), from logits (N, K): above 0 where it wins."""
    place = classes[:, None]
    return (logits.gather(1, place) - logits.scatter(1, place, -math.inf).amax(1, keepdim=True))[:, 0]
