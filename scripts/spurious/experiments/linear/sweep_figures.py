"""Figures of some linear classifiers of the sweep: their templates, and what those do to an image and to noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from spurious.attacks.closed_form import clamped_sum, template_fraction
from spurious.classifiers.linear_predictions import predict_linear
from spurious.data.datasets import to_float
from spurious.data.splits import Split, Splits
from spurious.errors import SpuriousError
from spurious.experiments.linear import template_figures as pages
from spurious.figures.labels import class_name
from spurious.frames import Arrays, held_out
from spurious.seeding import generator

ACROSS = 10  # templates in a row


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Some classifiers of the sweep: weight (rows, classes, C, H, W), bias (rows, classes), and the names."""

    weight: Tensor
    bias: Tensor
    rows: list[str]
    names: Sequence[str]
    targets: Sequence[int]


def templates(
    weights: Arrays, splits: Splits, targets: Sequence[int], class_names: Sequence[str] | None = None
) -> Figure:
    """The weights of every class as images: the targets first where there are many classes."""
    sweep = open_sweep(weights, splits, targets, class_names)
    shown = list(dict.fromkeys([*sweep.targets, *range(len(sweep.names))]))[:ACROSS]
    if len(sweep.names) <= ACROSS:
        shown.sort()
    names = [sweep.names[label] for label in shown]
    part = f", {len(shown)} of {len(sweep.names)} classes" if len(shown) < len(sweep.names) else ""
    title = f"templates of the linear classifiers{part}"
    return pages.templates(sweep.weight[:, shown].numpy(), sweep.rows, names, title)


def template_images(
    weights: Arrays, splits: Splits, targets: Sequence[int], class_names: Sequence[str] | None = None
) -> Figure:
    """An image plus fractions of templates, before and after: the first held-out one that all classifiers get right.

    Where they get none right it is the first one, and the title says so.
    """
    sweep = open_sweep(weights, splits, targets, class_names)
    source = splits.by_name[held_out(splits.by_name)]
    right = first_right(sweep, source)
    place = 0 if right is None else right
    label = int(source.labels[place])
    image = to_float(source.batch(source.labels.new_tensor([place])))[0]
    others = [target for target in sweep.targets if target != label]
    name = sweep.names[label] if right is not None else f"{sweep.names[label]}; not all get it right"
    return draw_fooled(sweep, image, others, f"an image ({name}) plus a multiple of a template")


def template_noise(
    weights: Arrays, splits: Splits, targets: Sequence[int], class_names: Sequence[str] | None = None
) -> Figure:
    """Noise plus fractions of templates, before and after."""
    sweep = open_sweep(weights, splits, targets, class_names)
    noise = torch.rand(sweep.weight.shape[2:], generator=generator("template noise", 0))
    return draw_fooled(sweep, noise, sweep.targets, "uniform noise plus a multiple of a template")


def first_right(sweep: Sweep, source: Split) -> int | None:
    """The place of the first image that all classifiers of the figure get right, None where there is none."""
    right = (predict_linear(sweep.weight, sweep.bias, source).predicted == source.labels).all(0)
    return int(right.int().argmax()) if right.any() else None


def open_sweep(weights: Arrays, splits: Splits, targets: Sequence[int], class_names: Sequence[str] | None) -> Sweep:
    """The lowest, the best and the highest weight decay of a file, with the names of the classes.

    Raises SpuriousError where the weights are not of these data, for a target that is no class, and for a class that
    has no name.
    """
    weight, bias, decays = (torch.from_numpy(weights[name]) for name in ("weight", "bias", "weight_decays"))
    classes = splits.classes
    if weight.shape[1:] != (classes, *splits.by_name["train"].image_shape):
        raise SpuriousError("weights: its classifiers are not of these data; train them again")
    for target in targets:
        if not 0 <= target < classes:
            raise SpuriousError(f"linear.targets: there is no class {target}; the classes are 0 to {classes - 1}")
    names = [class_name(label, class_names) for label in range(classes)]
    places, rows = chosen(weight, bias, decays.tolist(), splits)
    return Sweep(weight=weight[places], bias=bias[places], rows=rows, names=names, targets=targets)


def chosen(weight: Tensor, bias: Tensor, decays: Sequence[float], splits: Splits) -> tuple[list[int], list[str]]:
    """The places of the lowest, the best and the highest weight decay, and their names.

    Best on the validation split; the middle of the sweep where there is none, or where the best is at an end.
    """
    order = sorted(range(len(decays)), key=lambda place: decays[place])
    best = None
    if "validation" in splits.by_name:
        source = splits.by_name["validation"]
        right = predict_linear(weight, bias, source).predicted == source.labels
        best = int(right.sum(1).argmax())
    middle = order[len(order) // 2] if best in (None, order[0], order[-1]) else best
    places = list(dict.fromkeys([order[0], middle, order[-1]]))
    mark = "\n(the best on\nvalidation)"
    return places, [f"weight decay\n{decays[place]:g}" + (mark if place == best else "") for place in places]


def draw_fooled(sweep: Sweep, image: Tensor, targets: Sequence[int], title: str) -> Figure:
    """One image (C, H, W) and what every target's template makes of it, for every classifier."""
    starts, fooled = [], []
    for weight, bias in zip(sweep.weight.flatten(2), sweep.bias, strict=True):
        p = (weight @ image.flatten() + bias).softmax(0)
        decision = int(p.argmax())
        starts.append(pages.Start(picture=image.numpy(), decision=sweep.names[decision], p=float(p[decision])))
        fooled.append([with_template(weight, bias, image, target, float(p[target])) for target in targets])
    return pages.template_images(starts, fooled, sweep.rows, [sweep.names[target] for target in targets], title)


def with_template(weight: Tensor, bias: Tensor, image: Tensor, target: int, before: float) -> pages.Fooled | None:
    """The image plus the smallest fraction of the target's template that makes the classifier sure of it.

    Where nothing makes it sure, the one that makes it decide so; None where nothing does.
    """
    certain = template_fraction(weight, bias, image.flatten(), target)
    fraction = template_fraction(weight, bias, image.flatten(), target, None) if certain is None else certain
    if fraction is None:
        return None
    pixels = clamped_sum(image.flatten(), weight[target], fraction)
    change = (pixels - image.flatten()).numpy()
    return pages.Fooled(
        picture=pixels.view(image.shape).numpy(),
        p_before=before,
        p_after=float((weight @ pixels + bias).softmax(0)[target]),
        fraction=fraction,
        l2=float(np.linalg.norm(change)),
        linf=float(np.abs(change).max()),
        sure=certain is not None,
    )
