"""Classify one image under growing noise: by every view, such as blurred once, and by majority.

Prints what each view is classified as, and writes it as OUTPUT.csv and as a figure, OUTPUT.png and OUTPUT.svg. An image
of the dataset's folder gets the noise that it has in the sweep, any other that of its file name. Example:
python scripts/classify.py IMAGE --sigma 0 0.25 --classifier resnet50
"""

import argparse
from pathlib import Path

from pipeline.files.atomic import whole_file
from pipeline.files.configurations import add_config_argument
from pipeline.files.photographs import read_class_names
from pipeline.jobs.arguments import (
    KERNEL,
    SEED,
    SIGMA,
    Parser,
    add_compute_arguments,
    answer_help,
    run,
    settings_argument,
)
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError, reason_of
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.views.settings import Variant


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a photograph: JPEG, PNG, WebP, BMP, GIF or TIFF")
    parser.add_argument("--id", help="whose noise it gets; its path in the dataset's folder, or its name if left out")
    parser.add_argument("--sigma", type=SIGMA, nargs="+", help="of the noise; those of the sweep if left out")
    parser.add_argument("--kernel", type=KERNEL, help="taps of the blur; the first of the sweep if left out")
    parser.add_argument("--seed", type=SEED, help="of the noise; the first of the sweep if left out")
    parser.add_argument("--classifier", help="its name; the dataset's first under smoothing if left out")
    parser.add_argument("--output", default=".", help="a folder that is there, or how the files' names begin")
    parser.add_argument("--rows", type=Path, metavar="CSV", help="instead of OUTPUT.csv")
    parser.add_argument(
        "--exif-orientation", action="store_true", help="turn the image upright, also where the dataset does not"
    )
    ours = parser.add_argument_group("where the configuration names what is used")
    ours.add_argument("--dataset", default="imagenet-samples", help="whose classes and classifiers (%(default)s)")
    add_config_argument(ours)
    ours.add_argument("--results", type=Path, help="the folder of results; that beside config.yaml if left out")
    ours.add_argument("--local-data", help="a folder that is looked in before any URL")
    given = parser.add_argument_group("where it is given instead, with --classifier")
    given.add_argument("--weights", type=Path, help="the classifier's file")
    given.add_argument("--entry", type=settings_argument(ClassifierEntry), help="JSON: its entry under classifiers")
    given.add_argument("--settings", type=settings_argument(SmoothingSettings), default=SmoothingSettings())
    given.add_argument("--class-names", type=Path, metavar="CSV")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd
import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.rows import write_rows
from pipeline.subjects import Subject, configured, image_id, is_turned, read_image, read_settings
from spurious.experiments.smoothing import example, examples
from spurious.experiments.smoothing.examining import examine
from spurious.experiments.smoothing.names import PUBLISHED
from spurious.figures.style import render
from spurious.views.viewer import Viewer

NOTE = "as the classifier gets them; in italics: not the majority's class"


def main(argv: list[str] | None = None) -> None:
    """Find the classifier, examine the image, print and write what comes out."""
    arguments = parse(argv)
    settings = None if arguments.weights else read_settings(arguments)
    image = read_image(arguments.image, exif_orientation=is_turned(arguments, settings))
    subject = given(arguments) if settings is None else configured(arguments, settings)
    outputs = outputs_of(arguments, subject)
    rows, views = examined(image, subject, arguments)
    first = rows.iloc[0]
    title = f"{first['image']}: {subject.name}, {first['kernel']} taps, noise seed {first['seed']}"
    print(f"{title}\n{examples.describe(rows)}")
    write_rows(outputs["csv"], rows)
    figure = example.example(views.permute(0, 1, 3, 4, 2).numpy(), rows, title, NOTE)
    for kind in ("png", "svg"):
        with whole_file(outputs[kind]) as file:
            file.write_bytes(render(figure, kind))


def given(arguments: argparse.Namespace) -> Subject:
    """What the options name, with no configuration."""
    for option in ("classifier", "entry", "class_names"):
        if getattr(arguments, option) is None:
            raise SpuriousError(f"--weights: needs --{option.replace('_', '-')} beside it")
    return Subject(
        name=arguments.classifier,
        weights=arguments.weights,
        entry=arguments.entry,
        classes=[known.name for known in read_class_names(arguments.class_names)],
        settings=arguments.settings,
    )


def examined(image: torch.Tensor, subject: Subject, arguments: argparse.Namespace) -> tuple[pd.DataFrame, torch.Tensor]:
    """The rows of the image's views, with the classifier's name, and the views."""
    device = prepare_compute(arguments)
    kernel = subject.settings.kernels[0] if arguments.kernel is None else arguments.kernel
    settings = subject.settings.model_copy(update={"kernels": (kernel,)})
    seed = settings.seeds[0] if arguments.seed is None else arguments.seed
    model, preprocessing = open_classifier(subject.weights, subject.entry, device, precision=settings.precision)
    viewer = Viewer(preprocessing, settings, settings.variants.get(PUBLISHED, Variant()))
    sigmas = arguments.sigma or settings.sigmas
    try:
        rows, views = examine(
            image.to(device),
            image_id(arguments, subject),
            model,
            viewer,
            sigmas=sigmas,
            seed=seed,
            classes=subject.classes,
        )
    except SpuriousError as error:
        raise SpuriousError(f"classifier {subject.name}: {error}") from None
    except RuntimeError as error:  # torch's own, for instance of a classifier of grey images
        reason = reason_of(error)[:200]
        raise SpuriousError(
            f"{arguments.image}: the classifier {subject.name} cannot take it ({reason}); name another --classifier"
        ) from None
    rows.insert(0, "classifier", subject.name)
    return rows, views


def outputs_of(arguments: argparse.Namespace, subject: Subject) -> dict[str, Path]:
    """Where the figure and the rows go, by suffix; SpuriousError where that is the image itself."""
    prefix = arguments.output
    if prefix.endswith("/") or Path(prefix).is_dir():
        prefix = str(Path(prefix) / f"{arguments.image.stem}-{subject.name}")
    outputs = {kind: Path(f"{prefix}.{kind}") for kind in ("png", "svg", "csv")}
    if arguments.rows:
        outputs["csv"] = arguments.rows
    for path in outputs.values():
        if path.resolve() == arguments.image.resolve():
            raise SpuriousError(f"{path}: is the image itself; give another --output")
    return outputs


if __name__ == "__main__":
    run(main)
