"""Classify one image under growing noise: by every view, such as blurred once, and by majority.

Prints what each view is taken for, and writes it as OUTPUT.csv and as a figure, OUTPUT.png and OUTPUT.svg. An image of
the dataset's folder gets the noise that it has in the sweep, any other that of its file name. Example:
python scripts/classify.py IMAGE --sigma 0 0.25 --classifier resnet50
"""

import argparse
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

import fetch_classifier
from pipeline.files.atomic import whole_file
from pipeline.files.configurations import holder, read_source
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
from pipeline.jobs.progress import note
from spurious import registry
from spurious.classifiers.entries import Architecture, ClassifierEntry
from spurious.data.photographs import Photograph, conversions, open_photograph
from spurious.errors import SpuriousError, reason_of, shown_name
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.views.settings import Variant

PROJECT = Path(__file__).resolve().parents[1]


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
    ours.add_argument(
        "--config",
        "--configfile",
        type=Path,
        nargs="+",
        default=[PROJECT / "config.yaml"],
        help="the later ones change the first",
    )
    ours.add_argument("--results", type=Path, help="the folder of results; that beside the configuration if left out")
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

from pipeline.files.classifiers import is_file_of, open_classifier
from pipeline.files.rows import write_rows
from spurious.data.datasets import to_float
from spurious.experiments.smoothing import example, examples
from spurious.experiments.smoothing.examining import examine
from spurious.experiments.smoothing.rates import PUBLISHED
from spurious.figures.style import render
from spurious.views.viewer import Viewer

NOTE = "as the classifier gets them; in italics: not the majority's class"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the image is shown to: a classifier's name, file and entry, its classes' names, and the sweep's settings.

    `folders`: where the images of the dataset lie, if it is of photographs; `turned`: whether they are turned upright.
    """

    name: str
    weights: Path
    entry: ClassifierEntry
    classes: Sequence[str]
    settings: SmoothingSettings
    folders: Sequence[Path] = ()
    turned: bool = False


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


def is_turned(arguments: argparse.Namespace, settings: Mapping[str, Any] | None) -> bool:
    """Whether the image is turned upright: where the option or, with a configuration, the dataset says so."""
    dataset = {} if settings is None else settings["datasets"][arguments.dataset]
    return arguments.exif_orientation or dataset.get("exif_orientation", False)


def read_photograph(path: Path, *, exif_orientation: bool) -> Photograph:
    """The photograph in a file of the user's; SpuriousError where it cannot be read."""
    try:
        return open_photograph(path.read_bytes(), str(path), exif_orientation=exif_orientation)
    except OSError as error:
        raise SpuriousError(f"{path}: cannot be read ({error.strerror}); give the path of a photograph") from None


def read_image(path: Path, *, exif_orientation: bool = False) -> torch.Tensor:
    """The image, float32 (3, H, W) in [0, 1]; turned upright with `exif_orientation`. Notes what becomes RGB."""
    photograph = read_photograph(path, exif_orientation=exif_orientation)
    note(conversions([photograph.mode]), shown_name(str(path)))
    return to_float(torch.from_numpy(photograph.pixels))


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


def configured(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Subject:
    """What the configuration names; the classifier's file is fetched if it is not there."""
    name = chosen_classifier(arguments, settings)
    place = "config.yaml: classifiers."
    entry = registry.parse(ClassifierEntry, settings["classifiers"][name], place + name)
    dataset = settings["datasets"][arguments.dataset]
    folder = arguments.config[0].parent
    results = arguments.results or folder / "results"
    local_data = arguments.local_data or (settings["local_data"] and folder / Path(settings["local_data"]).expanduser())
    if isinstance(entry, Architecture):
        weights = trained(results, f"{arguments.dataset}/{name}/seed{settings['experiment']['seeds'][0]}")
    else:
        file = results / arguments.dataset / name / "pretrained"
        weights = fetched(file, settings["classifiers"][name], local_data)
    return Subject(
        name=name,
        weights=weights,
        entry=entry,
        classes=class_names(dataset, folder),
        settings=registry.parse(SmoothingSettings, settings["smoothing"], "config.yaml: smoothing"),
        folders=image_folders(dataset, results / arguments.dataset, local_data),
        turned=is_turned(arguments, settings),
    )


def image_folders(dataset: Mapping[str, Any], results: Path, local_data: str | Path | None) -> list[Path]:
    """Where the photographs of a dataset lie: among its results, and where they were fetched from."""
    if dataset["source"] != "images":
        return []
    return [results / "images", *([Path(local_data) / dataset["folder"]] if local_data else [])]


def image_id(arguments: argparse.Namespace, subject: Subject) -> str:
    """What seeds the image's noise: as in the sweep its path inside the dataset's folder, elsewhere its file name.

    The folder of results links to the files of the other one, and either may be a link itself.
    """
    if arguments.id is not None:
        return arguments.id
    for image, place in itertools.product((os.path.abspath, os.path.realpath), repeat=2):
        for folder in subject.folders:
            path = Path(image(arguments.image))
            if path.is_relative_to(place(folder)):
                return shown_name(path.relative_to(place(folder)).as_posix())
    return shown_name(arguments.image.name)


def read_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The configuration that is in force for the dataset."""
    from spurious import configuration  # no job reads one, and it imports every experiment

    return configuration.settings_for(read_config(arguments.config), arguments.dataset)


def read_config(paths: Sequence[Path]) -> dict[str, Any]:
    """The configuration, merged from its files as snakemake does it, and checked; extensions lie beside the first."""
    from spurious import configuration

    config, sources = {}, []
    for path in paths:
        sources.append(read_source(path))
        try:
            changes = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = reason_of(error)
            raise SpuriousError(f"{path}: no readable configuration ({reason}); fix it") from None
        if not isinstance(changes, Mapping):
            raise SpuriousError(f"{path}: no readable configuration (not keys with values); fix it")
        config = configuration.deep_merge(config, changes)
    configuration.check(config, paths[0].parent, partial(holder, sources))
    return config


def chosen_classifier(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> str:
    """The classifier that was asked for, or the first that meets the noise."""
    names = [arguments.classifier] if arguments.classifier else settings["experiment"]["smoothing"]
    if not names:
        raise SpuriousError(f"config.yaml: smoothing of {arguments.dataset} is empty; give --classifier")
    if names[0] not in settings["classifiers"]:
        known = ", ".join(settings["classifiers"])
        raise SpuriousError(f"--classifier: {names[0]!r} is none of config.yaml, which has {known}")
    return names[0]


def trained(results: Path, folder: str) -> Path:
    """The weights that the pipeline trained."""
    weights = results / folder / "weights.safetensors"
    if not weights.is_file():
        command = f"snakemake --cores 2 results/{folder}/weights.safetensors"
        raise SpuriousError(f"{weights}: has not been trained; run: {command}")
    return weights


def fetched(file: Path, entry: Mapping[str, Any], local_data: Path | None) -> Path:
    """The file of a classifier that is not trained here; fetched where it is missing or not the one of the entry."""
    if not is_file_of(file, registry.parse(ClassifierEntry, entry)):
        local = ["--local-data", str(local_data)] if local_data else []
        fetch_classifier.main(["--settings", json.dumps(entry), *local, "--output", str(file)])
    return file


def class_names(dataset: Mapping[str, Any], folder: Path) -> list[str]:
    """The names of a dataset's classes, their numbers where it has none."""
    classes = dataset.get("classes", 10)
    names = dataset.get("class_names", [str(label) for label in range(classes)])
    if isinstance(names, str):
        return [known.name for known in read_class_names(folder / names, classes)]
    return list(names)


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
