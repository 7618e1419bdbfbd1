"""The vote of the views of an image."""

import torch
from torch import Tensor

from spurious.defences.rejection import REJECTED


def majority(ns: Tensor, ss: Tensor, ds: Tensor) -> Tensor:
    """The class (N,) that at least two of the three views name, REJECTED where all three differ."""
    blurred = torch.where(ss == ds, ss, REJECTED)
    return torch.where((ns == ss) | (ns == ds), ns, blurred)
