"""A training set with negatives: images of no class, with a target that says so."""

import torch
from torch import Tensor

from spurious.classifiers.training import TrainingSet, one_hot


def target_classes(classes: int, target: str) -> int:
    """Outputs that a retrained classifier needs: one more where the negatives are a class of their own."""
    return classes + (target == "extra")


def with_negatives(
    images: Tensor, labels: Tensor, classes: int, negatives: Tensor, target: str, copies: int
) -> TrainingSet:
    """The training images (N, C, H, W), labels (N,), followed by `copies` of every negative (M, C, H, W).

    `target` of the negatives: "uniform" is 1 / classes for each class (the write-up's), "extra" a class of
    their own after the others.
    """
    targets = one_hot(labels, target_classes(classes, target))
    row = torch.zeros(targets.shape[1])
    if target == "extra":
        row[classes] = 1.0
    else:
        row[:] = 1 / classes
    count = copies * len(negatives)
    return TrainingSet(
        images=torch.cat([images, negatives.repeat(copies, 1, 1, 1)]),
        targets=torch.cat([targets, row.expand(count, -1)]),
        negatives=count,
    )
