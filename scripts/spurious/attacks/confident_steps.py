"""How large a change makes a linear classifier sure of a wrong class, in images that stay images."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spurious.attacks.box_steps import limited_step
from spurious.attacks.closed_form import CHUNK, CONFIDENT, clamped_sum, template_fractions


@dataclass(frozen=True, kw_only=True)
class ConfidentSteps:
    """Sizes (N,) float32, L-infinity, of changes of N images in [0, 1] after which a target has a p of CONFIDENT.

    `confident_linf`: of the smallest fraction of the target's template, inf where none is enough. `confident_least`: no
    change in whatever direction is smaller; inf where no image is enough.
    """

    confident_linf: Tensor
    confident_least: Tensor


@torch.inference_mode()
def confident_steps(weight: Tensor, bias: Tensor, images: Tensor, labels: Tensor, targets: Tensor) -> ConfidentSteps:
    """How much of its `targets`' templates every image needs until the classifier is sure of them.

    `weight` (classes, pixels), `bias` (classes,), `images` (N, pixels) in [0, 1], `labels` and `targets` (N,),
    different from each other. Karpathy, "Breaking linear classifiers on ImageNet" (2015), adds a fraction of the
    template; see `template_fractions`. A target with p of CONFIDENT leaves the label at most 1 - p, so that its score
    is at least ln(p / (1 - p)) above the label's: the smallest change within [0, 1] with such a margin is known exactly
    (`limited_step`, Hölder's inequality), and none that makes the classifier sure is smaller.
    """
    weight, bias = weight.double(), bias.double()  # once: of many classes they are large
    least = _least(weight, bias, images, labels, targets)
    fractions = template_fractions(weight, bias, images, targets, least=least)
    sizes = []
    for own, target, fraction in zip(images.split(CHUNK), targets.split(CHUNK), fractions.split(CHUNK), strict=True):
        pixels, template = own.double(), weight[target]
        enough = torch.where(fraction.isfinite(), fraction, 0.0)[:, None]
        change = (clamped_sum(pixels, template, enough) - pixels).abs().amax(1)
        sizes.append(change.masked_fill(fraction.isinf(), torch.inf))
    return ConfidentSteps(confident_linf=torch.cat(sizes).float(), confident_least=least.float())


def _least(weight: Tensor, bias: Tensor, images: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Sizes (N,) float64 of the smallest changes after which a target's score is far enough above the label's."""
    wanted = math.log(CONFIDENT / (1 - CONFIDENT))
    sizes = []
    for own, label, target in zip(images.split(CHUNK), labels.split(CHUNK), targets.split(CHUNK), strict=True):
        pixels, direction = own.double(), weight[target] - weight[label]
        margin = wanted - (direction * pixels).sum(1) - bias[target] + bias[label]
        sizes.append(limited_step(direction, pixels, margin.clamp(min=0), euclidean=False))
    return torch.cat(sizes)
