"""What is asked of any torch module: where it is, what its logits mean, and to be in evaluation mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; a frozen program without any is on the CPU."""
    return next((tensor.device for tensor in chain(model.parameters(), model.buffers())), torch.device("cpu"))


def has_independent_classes(model: nn.Module) -> bool:
    """Whether each logit is the log odds of its class alone, as a network says by `independent_classes`.

    The probabilities are then those of a sigmoid and need not sum to 1; else they are those of a softmax.
    """
    return getattr(model, "independent_classes", False)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode: no dropout, batches without influence on each other."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
