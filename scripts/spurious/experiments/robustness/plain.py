"""Decisions of defences by the plain calls of kornia and torchvision, beside what the library makes of them.

For `verify.py`, which trusts neither `spurious.views` nor `spurious.defences`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import kornia
import torch
from kornia.core.exceptions import BaseError
from torch import Tensor
from torch.nn.functional import one_hot

from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError, reason_of
from spurious.vision import InterpolationMode, transforms

TOLERANCE = 1e-3  # of logits: what other batches and another order of sums may change. Searches end at the border.


def _blurred(images: Tensor, kernel: int, sigma: float) -> Tensor:
    return kornia.filters.gaussian_blur2d(images, (kernel, kernel), (sigma, sigma))


def _jpeg(images: Tensor, quality: int) -> Tensor:
    coded = kornia.enhance.jpeg_codec_differentiable(images.expand(-1, 3, -1, -1), torch.tensor([float(quality)]))
    return coded if images.shape[1] == 3 else coded.mean(dim=1, keepdim=True)


# Of images (N, C, H, W), the view's parameters and the (taps, sigma) of the defence.
VIEWS: dict[str, Callable[[Tensor, Mapping[str, Any], tuple[int, float]], Tensor]] = {
    "ns": lambda images, own, blur: images,
    "ss": lambda images, own, blur: _blurred(images, *blur),
    "ds": lambda images, own, blur: _blurred(_blurred(images, *blur), *blur),
    "median": lambda images, own, blur: kornia.filters.median_blur(images, (own["size"], own["size"])),
    "bilateral": lambda images, own, blur: kornia.filters.bilateral_blur(
        images, own["size"], own["contrast"], (own["distance"], own["distance"])
    ),
    "jpeg": lambda images, own, blur: _jpeg(images, own["quality"]),
    "bits": lambda images, own, blur: kornia.enhance.posterize(images, own["bits"]),
}
SEEN = {"none": [{"kind": "ns"}], "blur": [{"kind": "ss"}], "threshold": [{"kind": "ns"}]}  # the vote names its views


def holds(
    defence: Mapping[str, Any],
    logits: Callable[[Tensor], Tensor],
    images: Tensor,
    preprocessing: Mapping[str, Any],
    decisions: Tensor,
) -> Tensor:
    """(N,) bool: whether the defence decides so, of images (N, C, H, W) in [0, 1], but for TOLERANCE.

    `defence` and `preprocessing` as `as_data` gives them, `logits` (n, K) those of the classifier, `decisions` (N,)
    with REJECTED. Raises SpuriousError for a defence or a view that has no plain call here, or whose parameters it does
    not take.
    """
    try:
        blur = defence.get("kernel"), defence.get("sigma")
        views = defence["views"] if defence["kind"] == "vote" else SEEN.get(defence["kind"], [])
        if not views or any(view["kind"] not in VIEWS for view in views):
            raise SpuriousError(f"{defence['kind']}: a defence, or with a view, that cannot be judged by plain calls")
        with torch.no_grad():
            seen = [logits(_prepared(VIEWS[view["kind"]](images, view, blur), preprocessing)) for view in views]
        scores = torch.stack(seen).double()
        named, rejected = _may_be_named(scores, decisions.clamp(min=0)), _may_be_rejected(scores)
        if defence["kind"] == "threshold":
            above = _log_odds(scores[0]) - defence["log_odds"]
            named, rejected = named & (above >= -TOLERANCE), above < TOLERANCE
    except (KeyError, TypeError, BaseError) as error:
        raise SpuriousError(f"{defence}: cannot be judged ({reason_of(error)}); run attack_defence again") from None
    return torch.where(decisions == REJECTED, rejected, named)


def _may_be_named(scores: Tensor, labels: Tensor) -> Tensor:
    """(N,) whether more than half of the views may name the labels (N,), of scores (V, N, K); none does beyond K."""
    known = labels < scores.shape[2]
    own = scores.gather(2, (labels * known).expand(len(scores), -1)[..., None])[..., 0]
    return known & (2 * (own >= scores.amax(2) - TOLERANCE).sum(0) > len(scores))


def _may_be_rejected(scores: Tensor) -> Tensor:
    """(N,) whether no class surely has more than half of the views."""
    largest = scores.topk(2).values
    surely = largest[..., 0] - largest[..., 1] > TOLERANCE
    votes = one_hot(scores.argmax(2), scores.shape[2]) * surely[..., None]
    return 2 * votes.sum(0).amax(1) <= len(scores)


def _log_odds(scores: Tensor) -> Tensor:
    """log p / (1 - p) (N,) of the largest of scores (N, K)."""
    ordered = scores.sort(descending=True).values
    return ordered[:, 0] - ordered[:, 1:].logsumexp(1)


def _prepared(images: Tensor, preprocessing: Mapping[str, Any]) -> Tensor:
    if "resize" not in preprocessing:
        return images
    mode = InterpolationMode(preprocessing["interpolation"])
    images = transforms.resize(images, [preprocessing["resize"]], interpolation=mode, antialias=False)
    return transforms.center_crop(images, preprocessing["crop"]) if "crop" in preprocessing else images
