"""What one image is shown to, by a configuration and the options of a command."""

import argparse
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.files.classifiers import is_file_of
from pipeline.files.configurations import located, project, read_config
from pipeline.files.photographs import read_class_names
from pipeline.jobs.progress import note
from spurious import registry
from spurious.classifiers.entries import Architecture, ClassifierEntry
from spurious.data.datasets import to_float
from spurious.data.photographs import Photograph, conversions, open_photograph
from spurious.errors import SpuriousError, shown_name, unknown_name
from spurious.experiments.smoothing.settings import SmoothingSettings


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


def read_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The configuration that is in force for the dataset; SpuriousError where nothing is run on it."""
    from spurious import configuration  # no job reads one, and it imports every experiment

    config = read_config(arguments.config)
    if arguments.dataset not in config["experiments"]:
        raise SpuriousError(f"--dataset: {unknown_name('dataset', arguments.dataset, config['experiments'])}")
    return configuration.settings_for(config, arguments.dataset)


def is_turned(arguments: argparse.Namespace, settings: Mapping[str, Any] | None) -> bool:
    """Whether the image is turned upright: where the option or, with a configuration, the dataset says so."""
    dataset = {} if settings is None else settings["datasets"][arguments.dataset]
    return arguments.exif_orientation or dataset.get("exif_orientation", False)


def configured(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Subject:
    """What the configuration names; the classifier's file is fetched if it is not there."""
    name = chosen_classifier(arguments, settings)
    place = "config.yaml: classifiers."
    entry = registry.parse(ClassifierEntry, settings["classifiers"][name], place + name)
    dataset = settings["datasets"][arguments.dataset]
    results = arguments.results or project() / "results"
    local_data = arguments.local_data or (
        settings["local_data"] and located(os.path.expanduser(settings["local_data"]))
    )
    if isinstance(entry, Architecture):
        weights = trained(results, f"{arguments.dataset}/{name}/seed{settings['experiment']['seeds'][0]}")
    else:
        file = results / arguments.dataset / name / "pretrained"
        weights = fetched(file, entry, local_data)
    return Subject(
        name=name,
        weights=weights,
        entry=entry,
        classes=class_names(dataset),
        settings=registry.parse(SmoothingSettings, settings["smoothing"], "config.yaml: smoothing"),
        folders=image_folders(dataset, results / arguments.dataset, local_data),
        turned=is_turned(arguments, settings),
    )


def chosen_classifier(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> str:
    """The classifier that was asked for, or the first that meets the noise."""
    names = [arguments.classifier] if arguments.classifier else settings["experiment"]["smoothing"]
    if not names:
        raise SpuriousError(f"--classifier: is missing, and none meets noise on {arguments.dataset}; name one")
    if names[0] not in settings["classifiers"]:
        raise SpuriousError(f"--classifier: {unknown_name('classifier', names[0], settings['classifiers'])}")
    return names[0]


def trained(results: Path, folder: str) -> Path:
    """The weights that the pipeline trained."""
    weights = results / folder / "weights.safetensors"
    if not weights.is_file():
        command = f"snakemake --cores 2 results/{folder}/weights.safetensors"
        raise SpuriousError(f"{weights}: has not been trained; run: {command}")
    return weights


def fetched(file: Path, entry: ClassifierEntry, local_data: str | Path | None) -> Path:
    """The file of a classifier that is not trained here; fetched where it is missing or not the one of the entry."""
    from pipeline.files.classifier_files import fetch_classifier  # most files are there

    if not is_file_of(file, entry):
        fetch_classifier(file, entry, str(local_data) if local_data else None)
    return file


def class_names(dataset: Mapping[str, Any]) -> list[str]:
    """The names of a dataset's classes, their numbers where it has none."""
    classes = dataset.get("classes", 10)
    names = dataset.get("class_names", [str(label) for label in range(classes)])
    if isinstance(names, str):
        return [known.name for known in read_class_names(located(names), classes)]
    return list(names)


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
