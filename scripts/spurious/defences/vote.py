"""The vote of the views of an image."""

import torch
from torch import Tensor

from spurious.defences.rejection import REJECTED


def vote(labels: Tensor) -> Tensor:
    """The class (N,) that more than half of the views name, REJECTED where there is none; `labels` (V, N) theirs.

    >>> import torch
    >>> from spurious.defences.vote import vote
    >>> vote(torch.tensor([[3, 3], [3, 5], [7, 8]]))  # three views of two images
    tensor([ 3, -1])
    """
    winner = labels.mode(dim=0).values
    return torch.where(2 * (labels == winner).sum(dim=0) > len(labels), winner, REJECTED)
