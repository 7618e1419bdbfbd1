"""Draw one figure of the linear classifiers: NAME decides which, and which inputs it needs."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pipeline.files.arrays import read_array
from pipeline.files.figures import figure_parser, write_figure
from pipeline.files.photographs import read_class_names
from pipeline.files.rows import read_rows
from pipeline.jobs.arguments import INDEX, Parser, run, settings_argument
from spurious.errors import SpuriousError
from spurious.experiments.linear import figure as curve
from spurious.experiments.linear import template_figures as pictures
from spurious.frames import held_out
from spurious.settings import LinearSettings

if TYPE_CHECKING:
    from torch import Tensor

    from spurious.data.splits import ImageSource

ACROSS = 10  # templates in a row


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, draw the figure, write it as PNG and as SVG."""
    write_figure(parse(argv))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `draw` is the function of NAME."""
    parser, add = figure_parser(__doc__)
    own = add("linear", linear)
    own.add_argument("--table", required=True, metavar="CSV")
    shown = Parser(add_help=False)
    shown.add_argument("--weights", required=True, metavar="SAFETENSORS")
    shown.add_argument("--data", required=True, metavar="PATH", help="data.safetensors, or the folder of a store")
    shown.add_argument("--settings", type=settings_argument(LinearSettings), required=True)
    shown.add_argument("--class-names", metavar="CSV", help="label,wordnet,name")
    add("templates", templates, shown)
    own = add("template-images", template_images, shown)
    own.add_argument("--image-id", type=INDEX, help="in the held-out split; without it, the first that all get right")
    own = add("template-noise", template_noise, shown)
    own.add_argument("--image-id", type=INDEX, default=0, help="of the noise, which it decides")
    return parser.parse_args(argv)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Some classifiers of the sweep: weight (rows, classes, C, H, W), bias (rows, classes), and the names."""

    weight: "Tensor"
    bias: "Tensor"
    rows: list[str]
    names: list[str]
    targets: tuple[int, ...]
    splits: "Mapping[str, ImageSource]"


def linear(arguments: argparse.Namespace) -> Figure:
    """Accuracy against resistance to fooling and smoothness as regularization grows."""
    return curve.linear(read_rows([arguments.table]), arguments.title)


def templates(arguments: argparse.Namespace) -> Figure:
    """The weights of every class as images: the targets first where there are many classes."""
    sweep = open_sweep(arguments)
    shown = list(dict.fromkeys([*sweep.targets, *range(len(sweep.names))]))[:ACROSS]
    if len(sweep.names) <= ACROSS:
        shown.sort()
    title = arguments.title or "templates of the linear classifiers"
    return pictures.templates(sweep.weight[:, shown].numpy(), sweep.rows, [sweep.names[k] for k in shown], title)


def template_images(arguments: argparse.Namespace) -> Figure:
    """An image plus fractions of templates, before and after."""
    from spurious.data.datasets import to_float

    sweep = open_sweep(arguments)
    source = sweep.splits[held_out(sweep.splits)]
    place = first_right(sweep, source) if arguments.image_id is None else arguments.image_id
    if not 0 <= place < len(source):
        raise SpuriousError(f"--image-id: there is no image {place}; give one from 0 to {len(source) - 1}")
    label = int(source.labels[place])
    image = to_float(source.batch(source.labels.new_tensor([place])))[0]
    title = arguments.title or f"an image ({sweep.names[label]}) plus a fraction of a template"
    return draw_fooled(sweep, image, [target for target in sweep.targets if target != label], title)


def first_right(sweep: Sweep, source: "ImageSource") -> int:
    """The place of the first image that all classifiers of the figure get right, 0 where there is none."""
    from spurious.classifiers.linear_predictions import judge

    right = (judge(sweep.weight, sweep.bias, source).predicted == source.labels).all(0)
    return int(right.int().argmax())


def template_noise(arguments: argparse.Namespace) -> Figure:
    """Noise plus fractions of templates, before and after."""
    import torch

    from spurious.seeding import generator

    sweep = open_sweep(arguments)
    noise = torch.rand(sweep.weight.shape[2:], generator=generator("template noise", arguments.image_id))
    return draw_fooled(sweep, noise, sweep.targets, arguments.title or "uniform noise plus a fraction of a template")


def open_sweep(arguments: argparse.Namespace) -> Sweep:
    """The lowest, the best and the highest weight decay of a file, with the names of the classes."""
    import torch

    from pipeline.files.stores import open_splits

    weight, bias, decays = (
        torch.from_numpy(read_array(arguments.weights, name)) for name in ("weight", "bias", "weight_decays")
    )
    splits, classes = open_splits(arguments.data)
    if weight.shape[1:] != (classes, *splits["train"].image_shape):
        raise SpuriousError(f"{arguments.weights}: its classifiers are not of these data; train them again")
    for target in arguments.settings.targets:
        if not 0 <= target < classes:
            raise SpuriousError(f"linear.targets: there is no class {target}; the classes are 0 to {classes - 1}")
    names = [str(label) for label in range(classes)]
    if arguments.class_names:
        names = [known.name for known in read_class_names(arguments.class_names, classes)]
    places, rows = chosen(weight, bias, decays.tolist(), splits)
    return Sweep(
        weight=weight[places],
        bias=bias[places],
        rows=rows,
        names=names,
        targets=arguments.settings.targets,
        splits=splits,
    )


def chosen(
    weight: "Tensor", bias: "Tensor", decays: Sequence[float], splits: "Mapping[str, ImageSource]"
) -> tuple[list[int], list[str]]:
    """The places of the lowest, the best and the highest weight decay, and their names.

    Best on the validation split; the middle of the sweep where there is none, or where the best is at an end.
    """
    from spurious.classifiers.linear_predictions import judge

    order = sorted(range(len(decays)), key=lambda place: decays[place])
    best = None
    if "validation" in splits:
        right = judge(weight, bias, splits["validation"]).predicted == splits["validation"].labels
        best = int(right.sum(1).argmax())
    middle = order[len(order) // 2] if best in (None, order[0], order[-1]) else best
    places = list(dict.fromkeys([order[0], middle, order[-1]]))
    return places, [f"weight decay\n{decays[place]:g}" + ("\n(the best)" if place == best else "") for place in places]


def draw_fooled(sweep: Sweep, image: "Tensor", targets: Sequence[int], title: str) -> Figure:
    """One image (C, H, W) and what every target's template makes of it, for every classifier."""
    starts, fooled = [], []
    for weight, bias in zip(sweep.weight.flatten(2), sweep.bias, strict=True):
        p = (weight @ image.flatten() + bias).softmax(0)
        decision = int(p.argmax())
        starts.append(pictures.Start(picture=image.numpy(), decision=sweep.names[decision], p=float(p[decision])))
        fooled.append([with_template(weight, bias, image, target, float(p[target])) for target in targets])
    return pictures.template_images(starts, fooled, sweep.rows, [sweep.names[target] for target in targets], title)


def with_template(
    weight: "Tensor", bias: "Tensor", image: "Tensor", target: int, before: float
) -> pictures.Fooled | None:
    """The image plus the smallest fraction of the target's template that makes the classifier sure of it.

    Where nothing makes it sure, the one that makes it decide so; None where nothing does.
    """
    from spurious.attacks.closed_form import clamped_sum, template_fraction

    certain = template_fraction(weight, bias, image.flatten(), target)
    fraction = template_fraction(weight, bias, image.flatten(), target, None) if certain is None else certain
    if fraction is None:
        return None
    pixels = clamped_sum(image.flatten(), weight[target], fraction)
    change = (pixels - image.flatten()).numpy()
    return pictures.Fooled(
        picture=pixels.view(image.shape).numpy(),
        p_before=before,
        p_after=float((weight @ pixels + bias).softmax(0)[target]),
        fraction=fraction,
        l2=float(np.linalg.norm(change)),
        linf=float(np.abs(change).max()),
        sure=certain is not None,
    )


if __name__ == "__main__":
    run(main)
