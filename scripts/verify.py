"""Verify the adversarial images of a folder of results, and the table `robustness` that is made of them.

Each image is compared with the dataset's original (hash, label, size of the change, pixels in [0, 1]) and judged again
by the plain calls of kornia and torchvision. The originals have to be those that the configuration attacks, each once,
and all that it keeps has to be there. Then every rate of the table is counted from them. What does not hold is named, a
line each, and ends with exit status 1. Example: python scripts/verify.py results
"""

import argparse
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.jobs.arguments import THREADS, Parser, answer_help, run
from pipeline.jobs.progress import progress, tell
from spurious.errors import SpuriousError, reason_of
from spurious.wording import plural


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("results", type=Path, metavar="RESULTS", help="the folder of results, with its datasets")
    parser.add_argument("--threads", type=THREADS, default=1)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import torch
from torch import Tensor

from pipeline.files.classifiers import open_classifier
from pipeline.files.images import Images, open_images
from pipeline.files.records import record_of
from pipeline.files.rows import read_rows
from pipeline.files.tensors import read_tensors
from spurious.classifiers.entries import ClassifierEntry
from spurious.defences.defended import logits_of
from spurious.experiments.robustness.archive import Archive
from spurious.experiments.robustness.jobs import attacked, parts
from spurious.experiments.robustness.settings import EXAMPLES
from spurious.experiments.robustness.verification import (
    About,
    image_faults,
    start_faults,
    storage_faults,
    table_faults,
)
from spurious.registry import parse as parse_settings

ARCHIVES, TABLE = "*/seed*/robustness/shard*.safetensors", "tables/robustness.csv"
Record = dict[str, Any]


def main(argv: list[str] | None = None) -> None:
    """Verify every dataset of the folder; SpuriousError, which ends with 1, where anything does not hold."""
    arguments = parse(argv)
    torch.set_num_threads(arguments.threads)
    datasets = []
    for dataset in sorted(arguments.results.glob("*/")):
        record = record_of(dataset)
        paths = current(dataset, record)
        if paths or (record is None and (dataset / TABLE).exists()):
            datasets.append((dataset, paths, record))
    if not datasets:
        raise SpuriousError(f"{arguments.results}: holds no images of attacks ({ARCHIVES}); run robustness first")
    faults = 0
    for found in datasets:
        for fault in verified(*found):
            faults += 1
            print(fault)
    if faults:
        raise SpuriousError(f"{arguments.results}: does not hold, {plural(faults, 'fault')}; see the lines above")


def current(dataset: Path, record: Record | None) -> list[Path]:
    """The archives of the configuration that the record of the dataset holds; without one all that are there."""
    paths = sorted(dataset.glob(ARCHIVES))
    if record is None:
        return paths
    configuration = record["configuration"]
    folders = [dataset / row["classifier"] / f"seed{row['attacked']}/robustness" for row in attacked(configuration)]
    wanted = {folder / f"shard{part}.safetensors" for folder in folders for part in parts(configuration)}
    for path in paths:
        if path not in wanted:
            tell(f"{path}: left by an earlier configuration; not looked at")
    return sorted(wanted)


def verified(dataset: Path, paths: list[Path], record: Record | None) -> Iterator[str]:
    """What does not hold of the archives and of the table of one dataset; says what was checked."""
    if not paths:
        yield f"{dataset / TABLE}: no archive is there that it could be counted from"
    missing = [path for path in paths if not path.exists()]
    yield from (f"{path}: is missing" for path in missing)
    if len(missing) == len(paths):
        return
    images = open_images(data_of(dataset))
    original, labels = originals(images, dataset), dict(zip(images.ids, images.labels.tolist(), strict=True))
    abouts = []
    for path in progress([path for path in paths if path not in missing], dataset.name, "archive"):
        tensors, about = read_archive(path)
        abouts.append(about)
        if (path.parents[2].name, path.parents[1].name) != (about["classifier"], f"seed{about['seed']}"):
            yield f"{path}: is of {about['classifier']}, seed {about['seed']}, by what it says"
        entry = parse_settings(ClassifierEntry, about["entry"], str(path))
        model, _ = open_classifier(weights_of(path), entry, torch.device("cpu"), accelerated=False)
        with logits_of(model) as logits:
            try:
                for fault in image_faults(about, tensors.__getitem__, original, labels, logits):
                    yield f"{path}: {fault}"
            except SpuriousError as error:
                raise SpuriousError(f"{path}: {error}") from None
        found, kept = plural(len(about["found"]), "adversarial image"), len(tensors)
        print(f"{path}: {found} from {plural(len(about['starts']), 'original')}, {kept} kept and judged again")
    wanted, kept = configured(record, images)
    for fault in (*start_faults(abouts, wanted), *storage_faults(abouts, kept)):
        yield f"{dataset}: {fault}"
    table = dataset / TABLE
    yield from (f"{table.parent}/{fault}" for fault in table_faults(abouts, read_rows([table])))
    print(f"{table}: counted again")


def data_of(dataset: Path) -> list[Path]:
    """The files with the test images: tensors, or photographs and their list."""
    tensors = dataset / "data.safetensors"
    return [tensors] if tensors.exists() else [dataset / "images", dataset / "images.csv"]


def configured(record: Record | None, images: Images) -> tuple[list[int | str] | None, list[int | str]]:
    """The ids of the images that the configuration of the dataset's record attacks, None without a record, and the ids
    of those whose found images are all kept.
    """
    if record is None:
        return None, []
    robustness = record["configuration"]["robustness"]
    names = images.names(images.order()[: robustness["images"]])
    return names, names[: robustness.get("archived")]


def originals(images: Images, dataset: Path) -> Callable[[int | str], Tensor]:
    """Those test images, float32 (C, H, W) in [0, 1], by their ids; `dataset` is named where one is missing."""
    places = {name: place for place, name in enumerate(images.ids)}

    @functools.lru_cache(maxsize=1000)
    def original(name: int | str) -> Tensor:
        if name not in places:
            raise SpuriousError(f"{dataset}: has no test image {name}, which was attacked; make the attack again")
        return images.pixels(torch.tensor([places[name]]))[0]

    return original


def weights_of(path: Path) -> Path:
    """The classifier's file, of what was trained here or is supplied."""
    trained = path.parents[1] / "weights.safetensors"
    return trained if trained.exists() else path.parents[2] / "pretrained"


def read_archive(path: Path) -> tuple[dict[str, Tensor], About]:
    """Images by name, and what is known of them; SpuriousError where the file is no such archive."""
    tensors, metadata = read_tensors(path)
    try:
        about = parse_settings(Archive, json.loads(metadata["archive"])).model_dump()
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(f"{EXAMPLES}/")}
        missing = {row["name"] for row in about["found"] if row["stored"]} ^ tensors.keys()
    except (KeyError, ValueError, TypeError) as error:
        raise SpuriousError(
            f"{path}: not the images of attacks ({reason_of(error)}); run attack_defence again"
        ) from None
    if missing:
        raise SpuriousError(f"{path}: {min(missing)} is stored or described, but not both; run attack_defence again")
    return tensors, about


if __name__ == "__main__":
    run(main)
