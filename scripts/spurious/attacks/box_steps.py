"""The smallest steps that fool a linear classifier and leave an image an image: every pixel stays in [0, 1]."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spurious.attacks.closed_form import CHUNK, Steps

TOLERANCE = 1e-9  # of the margin that a step has to make up for
ITERATIONS = 100  # of Newton's method, which ends after about ten


@dataclass(frozen=True, kw_only=True)
class ImageSteps:
    """Sizes (N,) float32 of the smallest step from each of N images to the border of any other class, within [0, 1].

    `l2_image` is the smallest in L2, `linf_image` the smallest in L-infinity; inf where no image of [0, 1] is beyond a
    border.
    """

    l2_image: Tensor
    linf_image: Tensor


@torch.inference_mode()
def smallest_image_steps(weight: Tensor, bias: Tensor, images: Tensor, steps: Steps) -> ImageSteps:
    """The smallest steps over all targets, after which every pixel is in [0, 1].

    `weight` (classes, pixels), `bias` (classes,), `images` (N, pixels) in [0, 1], `steps`: what `smallest_steps` says
    of them. A step without the limits is never longer, so that targets are looked at from the nearest one on, until
    that of the next is longer than what was found.
    """
    weight, bias = weight.double(), bias.double()
    l2 = _nearest(weight, bias, images, steps.decision, steps.l2, euclidean=True)
    linf = _nearest(weight, bias, images, steps.decision, steps.linf_smallest, euclidean=False)
    return ImageSteps(l2_image=l2.float(), linf_image=linf.float())


def _nearest(
    weight: Tensor, bias: Tensor, images: Tensor, decision: Tensor, free: Tensor, *, euclidean: bool
) -> Tensor:
    """The smallest sizes (N,); `free` (N, classes): the sizes without limits, nan at the `decision` (N,)."""
    bounds, targets = free.double().nan_to_num(nan=torch.inf).sort(1)
    found = torch.full((len(images),), torch.inf, dtype=torch.float64, device=images.device)
    for bound, target in zip(bounds.T, targets.T, strict=True):
        open_ones = (bound * (1 - 1e-6) < found).nonzero()[:, 0]  # bounds are rounded to float32
        if not len(open_ones):
            break
        for part in open_ones.split(CHUNK):
            direction = weight[target[part]] - weight[decision[part]]
            pixels = images[part].double()
            margin = -((direction * pixels).sum(1) + bias[target[part]] - bias[decision[part]])
            size = limited_step(direction, pixels, margin.clamp(min=0), euclidean=euclidean)
            found[part] = torch.minimum(found[part], size)
    return found


def limited_step(direction: Tensor, images: Tensor, margin: Tensor, *, euclidean: bool) -> Tensor:
    """The size (N,) of the smallest step d within [0, 1] - `images` (N, pixels) with `direction` · d = `margin` (N,).

    In L2 (`euclidean`) the step is s times the `direction` (N, pixels), in L-infinity s times its signs, each pixel
    cut where it reaches 0 or 1 (Karush-Kuhn-Tucker conditions; Hölder's inequality). What it gains is a concave
    function of s in straight pieces, so that Newton's method climbs from 0 to the answer without passing it. inf
    where not even the corner of the box is far enough.
    """
    weights = direction.abs()
    speed = weights if euclidean else (weights > 0).double()  # of each pixel, as s grows
    room = torch.where(direction > 0, 1 - images, images)
    scale = torch.zeros_like(margin)
    for _ in range(ITERATIONS):
        moved = torch.minimum(scale[:, None] * speed, room)
        left = margin - (weights * moved).sum(1)
        slope = (weights * speed * (moved < room)).sum(1)
        unfinished = left > TOLERANCE * margin
        scale = torch.where(unfinished, scale + left / slope, scale)  # inf where nothing can move any more
        if not (unfinished & scale.isfinite()).any():
            break
    moved = torch.minimum((scale[:, None] * speed).nan_to_num(nan=0.0), room)
    size = moved.square().sum(1).sqrt() if euclidean else moved.amax(1)
    return size.masked_fill(~scale.isfinite(), torch.inf)
