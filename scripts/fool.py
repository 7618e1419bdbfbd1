"""Fool a configured classifier with one image of yours, or with noise, along its gradient.

Prints what it is classified as, before and after, and writes OUTPUT.png, the image that fools, and
OUTPUT-figure.png: the image, the magnified change and the result. A PNG file has 256 levels, so the written image is
judged once more.

With --defence the image is attacked at its own size, behind that defence, by an attack that knows it: the method gives
norm, size and steps. Then a rejection is no success, and only OUTPUT.png is written. Example:
python scripts/fool.py IMAGE --classifier resnet50 --defence vote --epsilon 0.0157
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.files.atomic import whole_file
from pipeline.files.configurations import add_config_argument
from pipeline.jobs.arguments import ABOVE_ZERO, COUNT, SEED, Parser, add_compute_arguments, answer_help, run
from pipeline.jobs.devices import prepare_compute
from pipeline.jobs.progress import counting
from spurious import registry
from spurious.attacks.entries import Attack
from spurious.classifiers.entries import Architecture
from spurious.defences.kinds import Defence
from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError, shown_name, unknown_name
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.perturbations.starts import ATTACK_STARTS, IMAGE
from spurious.views.preprocessing import Preprocessing


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("image", type=Path, nargs="?", metavar="IMAGE", help="a photograph; none with --start noise")
    parser.add_argument("--id", help="seeds what is drawn; its path in the dataset's folder, or its name if left out")
    parser.add_argument("--classifier", help="its name; the dataset's first under smoothing if left out")
    parser.add_argument("--target", metavar="CLASS", help="name or number; away from the label if left out")
    parser.add_argument("--label", metavar="CLASS", help="the true class; what it is classified as if left out")
    parser.add_argument("--method", default="pgd-linf", help="one of the configuration's (%(default)s)")
    parser.add_argument(
        "--defence",
        help="one under robustness.defences or a kind, such as vote, if nothing is fitted or trained; none if left out",
    )
    parser.add_argument("--epsilon", type=ABOVE_ZERO, help="largest change, pixels in [0, 1]; the method's if left out")
    parser.add_argument("--steps", type=COUNT, help="the method's if left out")
    parser.add_argument("--step-size", type=ABOVE_ZERO, help="the method's if left out")
    parser.add_argument("--start", default=IMAGE, help="%(default)s, or noise, which has no label and needs no IMAGE")
    parser.add_argument(
        "--exif-orientation", action="store_true", help="turn the image upright, also where the dataset does not"
    )
    parser.add_argument("--seed", type=SEED, default=0, help="of noise and random starts")
    parser.add_argument("--output", default=".", help="a folder that is there, or how the files' names begin")
    parser.add_argument("--dataset", default="imagenet-samples", help="whose classes and classifiers (%(default)s)")
    add_config_argument(parser)
    parser.add_argument("--results", type=Path, help="the folder of results; that beside config.yaml if left out")
    parser.add_argument("--local-data", help="a folder that is looked in before any URL")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd
import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.weights import read_description
from pipeline.subjects import Subject, configured, image_id, read_image, read_photograph, read_settings
from spurious.attacks.on_decisions import WhiteBox
from spurious.attacks.targets import NO_LABEL
from spurious.attacks.within import Within
from spurious.classifiers.predictions import predict
from spurious.data.datasets import to_float
from spurious.defences.defended import Defended, logits_of
from spurious.experiments.fooling.figure import Panel, fooling, size_text
from spurious.experiments.robustness.one_image import attack_image, named_defence
from spurious.figures.style import probability_text, render
from spurious.perturbations.balls import sizes
from spurious.perturbations.starts import attack_starts
from spurious.views import bands

BEFORE, AFTER, WRITTEN = "before", "after", "as written"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An image before and after, (C, H, W), with rows `moment, predicted, p, p_target`, one of each moment."""

    start: torch.Tensor
    fooled: torch.Tensor
    rows: pd.DataFrame


def main(argv: list[str] | None = None) -> None:
    """Find classifier and method, fool, print and write what comes out."""
    arguments = parse(argv)
    settings = read_settings(arguments)
    method = chosen_method(arguments, settings)
    if method.start == IMAGE and arguments.image is None:
        raise SpuriousError("IMAGE: missing; give an image to start from, or --start noise")
    defence = None if arguments.defence is None else defence_of(arguments, settings)
    subject = configured(arguments, settings)
    target = None if arguments.target is None else class_number(arguments.target, subject.classes, "--target")
    prefix = output_prefix(arguments, subject)
    if defence is not None:
        attack_defence(arguments, subject, defence, method, prefix)
        return
    try:
        outcome = fooled(arguments, subject, method, target)
    except SpuriousError as error:
        raise SpuriousError(f"{arguments.image or method.start}: {error}") from None
    shown = shown_name(arguments.image.name) if method.start == IMAGE else method.start
    title = f"{shown}: {subject.name}, fooled along its gradient"
    print(f"{title}\n{described(outcome, subject.classes, target)}")
    write_image(prefix, outcome.fooled)
    with whole_file(f"{prefix}-figure.png") as file:
        file.write_bytes(
            render(fooling([panel(outcome, arguments.method, method, target)], title, subject.classes), "png")
        )
    print(shown_name(f"{prefix}-figure.png: before, the change, and after"))


def chosen_method(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Attack:
    """The configuration's method of that name, with what the options change."""
    methods = registry.parse(FoolingSettings, settings["fooling"], "config.yaml: fooling").methods
    if arguments.method not in methods:
        raise SpuriousError(f"--method: {unknown_name('method', arguments.method, methods)}")
    options = {key: getattr(arguments, key) for key in ("epsilon", "steps", "step_size")}
    changes = {key: value for key, value in options.items() if value is not None}
    goal = "untargeted" if arguments.target is None else "targeted"
    if arguments.start not in ATTACK_STARTS:
        raise SpuriousError(f"--start: {unknown_name('start', arguments.start, ATTACK_STARTS)}")
    if arguments.start != IMAGE and goal == "untargeted":
        raise SpuriousError(f"--start {arguments.start}: has no label to lose; give a --target")
    return methods[arguments.method].changed(start=arguments.start, goal=goal, **changes)


def defence_of(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Defence:
    """The defence that was asked for; SpuriousError for options that attacks on defences do not take."""
    for option in ("target", "step_size"):
        if getattr(arguments, option) is not None:
            raise SpuriousError(f"--{option.replace('_', '-')}: attacks with --defence have none; leave it out")
    if arguments.start != IMAGE:
        raise SpuriousError(f"--start {arguments.start}: attacks with --defence start from an image; give one")
    own = registry.parse(RobustnessSettings, settings["robustness"], "config.yaml: robustness")
    try:
        return named_defence(arguments.defence, own.defences)
    except SpuriousError as error:
        raise SpuriousError(f"--defence: {error}") from None


def attack_defence(
    arguments: argparse.Namespace, subject: Subject, defence: Defence, method: Attack, prefix: str
) -> None:
    """Attack the image behind the defence; prints every decision and writes the image."""
    device = prepare_compute(arguments)
    model, preprocessing = open_classifier(subject.weights, subject.entry, device, accelerated=False)
    start, name = starting_image(arguments, subject, method, Preprocessing())
    label = None if arguments.label is None else class_number(arguments.label, subject.classes, "--label")
    ball, attack = Within(norm=method.norm, epsilon=method.epsilon), WhiteBox(steps=method.steps)
    with logits_of(model) as logits, counting(f"attack on {arguments.defence}", "step") as count:
        defended = Defended(defence, logits, preprocessing)
        try:
            written, decisions = attack_image(
                defended, start.to(device), label, ball, attack, name=name, seed=arguments.seed, on_steps=count
            )
        except SpuriousError as error:
            raise SpuriousError(f"{arguments.image}: {error}") from None
    names = {REJECTED: "rejected", **dict(enumerate(subject.classes))}
    print(f"{shown_name(arguments.image.name)}: {subject.name} behind {arguments.defence}, attacked by its gradient")
    for moment, behind, alone in zip((BEFORE, AFTER, WRITTEN), *decisions.values(), strict=True):
        print(f"{moment:<11}{names[behind]}   (undefended: {names[alone]})")
    print(change_text(written.cpu(), start))
    write_image(prefix, written[0].cpu())


def class_number(text: str, names: Sequence[str], option: str) -> int:
    """The class of that name or number; SpuriousError where there is none, or several have the name."""
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    found = [number for number, name in enumerate(names) if name.casefold() == text.casefold()]
    if len(found) > 1:
        raise SpuriousError(f"{option}: {text!r} is the name of {' and '.join(map(str, found))}; give the number")
    if not found and text.isdecimal():
        raise SpuriousError(f"{option}: there is no class {text}; the classifier has {len(names)}, from 0 on")
    if not found:
        raise SpuriousError(f"{option}: {unknown_name('class', text, names)}")
    return found[0]


def fooled(arguments: argparse.Namespace, subject: Subject, method: Attack, target: int | None) -> Outcome:
    """The image before and after, and what the classifier makes of it."""
    device = prepare_compute(arguments)
    model, preprocessing = open_classifier(subject.weights, subject.entry, device, accelerated=False)
    start, name = starting_image(arguments, subject, method, preprocessing)
    before = predict(model, start)
    if before.shape[1] != len(subject.classes):
        raise SpuriousError(
            f"classifier {subject.name}: has {before.shape[1]} classes, the dataset {arguments.dataset} "
            f"{len(subject.classes)}; name another --classifier or --dataset"
        )
    label = NO_LABEL if method.start != IMAGE else int(before.argmax())
    if arguments.label is not None:
        label = class_number(arguments.label, subject.classes, "--label")
    if label == target:
        raise SpuriousError(
            f"--target: {subject.classes[target]} is the label of the image itself; choose another class"
        )
    targets = None if target is None else torch.tensor([target])
    found = method(model, start, torch.tensor([label]), targets=targets, ids=[name], seed=arguments.seed, batch_size=1)
    written = torch.from_numpy(levels(found[0])).float().div(255)
    written = written[None, None] if written.ndim == 2 else written.permute(2, 0, 1)[None]
    p = torch.cat([before, predict(model, found), predict(model, written)])
    rows = {"moment": [BEFORE, AFTER, WRITTEN], "predicted": p.argmax(1), "p": p.amax(1), "label": label}
    own = torch.nan if target is None else p[:, target]
    return Outcome(start=start[0], fooled=found[0], rows=pd.DataFrame({**rows, "p_target": own}))


def starting_image(
    arguments: argparse.Namespace, subject: Subject, method: Attack, preprocessing: Preprocessing
) -> tuple[torch.Tensor, str]:
    """What is changed, (1, C, H, W) as the classifier gets it, and its id."""
    shape = read_description(subject.weights).image_shape if isinstance(subject.entry, Architecture) else None
    if method.start != IMAGE:
        if shape is None and preprocessing.crop is None:
            raise SpuriousError(
                f"--start {method.start}: {subject.name} takes images of any size; give it a crop, or an image"
            )
        size = shape or (3, preprocessing.crop, preprocessing.crop)
        return attack_starts(method.start, [0], torch.zeros(1, *size), arguments.seed), "0"
    name = image_id(arguments, subject)
    if shape is not None and shape[0] == 1:
        return read_grey(arguments.image, exif_orientation=subject.turned), name
    image = read_image(arguments.image, exif_orientation=subject.turned)[None]
    return bands.prepare(image, preprocessing).clamp(0, 1), name


def read_grey(path: Path, *, exif_orientation: bool) -> torch.Tensor:
    """The image in grey levels, float32 (1, 1, H, W) in [0, 1]; turned upright with `exif_orientation`."""
    pixels = np.array(read_photograph(path, exif_orientation=exif_orientation).image.convert("L"))
    return to_float(torch.from_numpy(pixels))[None, None]


def write_image(prefix: str, image: torch.Tensor) -> None:
    """Write PREFIX.png and say so; `image` (C, H, W)."""
    with whole_file(f"{prefix}.png") as file:
        Image.fromarray(levels(image)).save(file, format="PNG")
    print(shown_name(f"{prefix}.png: the changed image"))


def levels(image: torch.Tensor) -> np.ndarray:
    """An image (C, H, W) in 256 levels, as Pillow wants it: (H, W) or (H, W, 3)."""
    pixels = image.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def described(outcome: Outcome, names: Sequence[str], target: int | None) -> str:
    """What the image is classified as at every moment, and the size of the change, as lines of text."""
    width = max(len(names[number]) for number in outcome.rows["predicted"])
    lines = []
    for row in outcome.rows.itertuples():
        wanted = "" if target is None else f"   p of {names[target]} {probability_text(row.p_target)}"
        lines.append(f"{row.moment:<11}{names[row.predicted]:<{width}}  p {probability_text(row.p)}{wanted}")
    return "\n".join([*lines, change_text(outcome.fooled[None], outcome.start[None])])


def change_text(image: torch.Tensor, start: torch.Tensor) -> str:
    """The size of the change between images (1, C, H, W), as a line."""
    size = {key: value.item() for key, value in sizes(image, start).items()}
    return f"change: L2 {size['l2']:.4g}, largest {size['linf']:.4g} ({255 * size['linf']:.1f} of 255 levels)"


def panel(outcome: Outcome, name: str, method: Attack, target: int | None) -> Panel:
    """The outcome as the figure takes it."""
    before, after = outcome.rows.iloc[0], outcome.rows.iloc[1]
    change = {key: value.item() for key, value in sizes(outcome.fooled[None], outcome.start[None]).items()}
    row = {"label": before["label"], "target": pd.NA if target is None else target, "clean_p": before["p"]}
    row |= {"clean_predicted": before["predicted"], "predicted": after["predicted"], "p": after["p"], **change}
    return Panel(
        name=name,
        size=size_text(method.norm, method.epsilon, method.steps),
        original=outcome.start[None].numpy(),
        fooled=outcome.fooled[None].numpy(),
        rows=pd.DataFrame([row]),
    )


def output_prefix(arguments: argparse.Namespace, subject: Subject) -> str:
    """How the files' names begin; SpuriousError where that is the image itself."""
    prefix = arguments.output
    if prefix.endswith("/") or Path(prefix).is_dir():
        stem = arguments.image.stem if arguments.image and arguments.start == IMAGE else arguments.start
        prefix = str(Path(prefix) / f"{stem}-{subject.name}-fooled")
    if arguments.image and Path(f"{prefix}.png").resolve() == arguments.image.resolve():
        raise SpuriousError(f"{prefix}.png: is the image itself; give another --output")
    return prefix


if __name__ == "__main__":
    run(main)
