"""Which class an attack wants: drawn at random for each image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spurious.errors import SpuriousError
from spurious.seeding import Id, generator

NO_LABEL = -1  # of an image that starts from noise


def random_targets(labels: Tensor, classes: int, ids: Sequence[Id], seed: int | str) -> Tensor:
    """A class other than its label for each image (N,), decided by (seed, id); any class where it is NO_LABEL.

    Raises SpuriousError where there is no other class.
    """
    if classes < 2:
        raise SpuriousError(f"a target needs two classes or more, not {classes}; use another dataset")
    targets = []
    for label, name in zip(labels.tolist(), ids, strict=True):
        others = classes if label == NO_LABEL else classes - 1
        drawn = int(torch.randint(others, (), generator=generator(seed, "target", name)))
        targets.append(drawn + (label != NO_LABEL and drawn >= label))
    return torch.tensor(targets, dtype=torch.int64)
