"""Images that fool a classifier, found along the gradient on the pixels: one step, or several within a ball."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spurious.attacks.entries import GradientAttack
from spurious.attacks.targets import NO_LABEL
from spurious.attacks.worth import independent_log_likelihood, log_odds, margin
from spurious.errors import SpuriousError
from spurious.modules import device_of, evaluating, has_independent_classes
from spurious.perturbations.balls import project, random_start
from spurious.perturbations.norms import NORMS
from spurious.seeding import Id


def fool(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    method: GradientAttack,
    *,
    targets: Tensor | None = None,
    ids: Sequence[Id],
    seed: int | str,
    batch_size: int = 250,
) -> Tensor:
    """Move images (N, C, H, W), float32 in [0, 1], until `model` classifies them as something else, as `method` says.

    `model` gives logits (n, classes); it is used in evaluation mode and left as it was. `labels` (N,) int64 are the
    true classes (NO_LABEL: none), `targets` (N,) those that a targeted method wants. Each step is of the step size:
    along the signs of the gradient (linf), or along the gradient (l2). Then the change is cut to epsilon, and the
    pixels to [0, 1]. Of the images after every step, the one with the largest margin is kept, which is the logit
    wanted minus the largest other (untargeted: the other way round); for one step, that is the step. `ids` and `seed`
    decide the random starts; nothing depends on the order of the images or on `batch_size` but for rounding. The
    result (N, C, H, W) is on the CPU, without a history of gradients. What the classifier makes of it is asked apart,
    of the images as they are stored.

    Raises SpuriousError for labels and targets that are no classes, and for a target that is the label.

    >>> import torch
    >>> from torch import nn
    >>> from spurious.attacks.entries import GradientAttack
    >>> from spurious.attacks.gradient import fool
    >>> class Brightness(nn.Module):
    ...     def forward(self, images):
    ...         mean = images.mean((1, 2, 3))
    ...         return 10 * torch.stack([0.5 - mean, mean - 0.5], 1)  # dark, bright
    >>> images, labels = torch.full((1, 1, 4, 4), 0.4), torch.tensor([0])
    >>> pgd = GradientAttack(norm="linf", epsilon=0.2, steps=5, random_start=True)
    >>> fooled = fool(Brightness(), images, labels, pgd, ids=["one"], seed=0)
    >>> Brightness()(fooled).argmax(1), round((fooled - images).abs().max().item(), 3)
    (tensor([1]), 0.2)
    """
    wanted = _wanted(labels, targets, method, len(images))
    images, device = images.detach(), device_of(model)
    found = []
    with evaluating(model):
        classes = _classes_of(model, images[:batch_size].to(device))
        _check_classes(labels, classes, "label", lowest=NO_LABEL if method.goal == "targeted" else 0)
        _check_classes(wanted, classes, "target")
        for batch in torch.arange(len(images)).split(batch_size):
            start = begin = images[batch]
            if method.random_start:
                begin = random_start(start, [ids[place] for place in batch], method, seed)
            moved = _search(model, start.to(device), begin.to(device), wanted[batch].to(device), method)
            found.append(moved.cpu())
    return torch.cat(found) if found else images.clone()


def _search(model: nn.Module, start: Tensor, begin: Tensor, classes: Tensor, method: GradientAttack) -> Tensor:
    """The images (n, C, H, W) that steps from `begin` lead to, within epsilon of `start`; `classes` as `_wanted`."""
    towards = 1 if method.goal == "targeted" else -1
    size = _step_size(method)
    images = best = begin
    most = torch.full(classes.shape, -math.inf, device=begin.device)
    for step in range(method.steps):
        logits, gradients = _gradients(model, images, classes)
        if step:
            best, most = _better(images, towards * margin(logits, classes), best, most)
        images = project(images + towards * size * NORMS[method.norm].direction(gradients), start, method)
    if method.steps == 1:
        return images
    with torch.no_grad():
        last = towards * margin(model(images), classes)
    return _better(images, last, best, most)[0]


def _better(images: Tensor, margins: Tensor, best: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
    """The images with the larger margins, and these; the newer where they are equal."""
    better = margins >= most
    return torch.where(better[:, None, None, None], images, best), torch.where(better, margins, most)


def _gradients(model: nn.Module, images: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n, K), and the gradients (n, C, H, W) of what `classes` are worth on the pixels.

    That is their log odds, or where classes are independent the log likelihood: minus the loss of the training.
    """
    worth = independent_log_likelihood if has_independent_classes(model) else log_odds
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        logits = model(images)
        (gradients,) = torch.autograd.grad(worth(logits, classes).sum(), images)
    return logits.detach(), gradients


def _step_size(method: GradientAttack) -> float:
    if method.step_size is not None:
        return method.step_size
    return method.epsilon if method.steps == 1 else 2.5 * method.epsilon / method.steps


def _wanted(labels: Tensor, targets: Tensor | None, method: GradientAttack, images: int) -> Tensor:
    """The classes (N,) whose probability is raised (targeted) or lowered; SpuriousError where they cannot be."""
    if method.goal == "untargeted":
        targets = labels
    if targets is None:
        raise SpuriousError("targets: missing, but the method is targeted; give a class for each image")
    if not len(labels) == len(targets) == images:
        raise SpuriousError(f"{images} images, {len(labels)} labels and {len(targets)} targets; give one for each")
    if method.goal == "targeted" and (same := targets == labels).any():
        label = int(labels[same][0])
        raise SpuriousError(f"target {label} is the label of the image itself; choose another class")
    return targets


@torch.no_grad()
def _classes_of(model: nn.Module, images: Tensor) -> int:
    """How many classes the model tells apart; 0 without an image to ask it about."""
    return model(images).shape[1] if len(images) else 0


def _check_classes(numbers: Tensor, classes: int, kind: str, lowest: int = 0) -> None:
    wrong = numbers[(numbers < lowest) | (numbers >= classes)]
    if len(wrong):
        raise SpuriousError(
            f"{kind} {int(wrong[0])}: there is no such class; the classifier has {classes}, 0 to {classes - 1}"
        )
