"""What is asked of any torch module: where it is, and to be in evaluation mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; a frozen program without any is on the CPU."""
    return next((tensor.device for tensor in chain(model.parameters(), model.buffers())), torch.device("cpu"))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode: no dropout, batches without influence on each other."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
