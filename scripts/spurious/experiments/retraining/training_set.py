"""A training set with negatives: images of no class, with a target that says so."""

import torch
from torch import Tensor

from spurious.classifiers.training import Fresh, TrainingSet, one_hot
from spurious.perturbations.negatives import FreshNoise, NamedNegatives


def target_classes(classes: int, target: str) -> int:
    """Outputs that a retrained classifier needs: one more where the negatives are a class of their own."""
    return classes + (target == "extra")


def target_of_negatives(classes: int, target: str) -> Tensor:
    """The target probabilities of a negative (outputs,).

    "uniform" is 1 / classes for each class (the write-up's), "extra" a class of their own after the others.
    """
    if target != "extra":
        return torch.full((classes,), 1 / classes)
    return torch.nn.functional.one_hot(torch.tensor(classes), classes + 1).float()


def with_negatives(
    images: Tensor,
    labels: Tensor,
    classes: int,
    negatives: Tensor,
    target: str,
    copies: int,
    named: NamedNegatives | None = None,
) -> TrainingSet:
    """The training images (N, C, H, W), labels (N,), followed by `copies` of every negative (M, C, H, W).

    Where the arm's `named` negatives are fresh noise, every batch gets that. `target` of the negatives as in
    `target_of_negatives`.
    """
    targets = one_hot(labels, target_classes(classes, target))
    row = target_of_negatives(classes, target)
    count = copies * len(negatives)
    return TrainingSet(
        images=torch.cat([images, negatives.repeat(copies, 1, 1, 1)]),
        targets=torch.cat([targets, row.expand(count, -1)]),
        negatives=count,
        fresh=Fresh(noise=named, target=row, classes=classes) if isinstance(named, FreshNoise) else None,
    )
