"""Attack a classifier behind every defence, at ascending sizes; a row for each image, defence, attack and size.

Every image that was found is kept, with what `verify.py` needs to judge it again.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.jobs.arguments import (
    COUNT,
    INDEX,
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    run,
    settings_argument,
)
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.registry import as_data


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "weights", "classifier", "seed", "rows")
    parser.add_argument("--data", nargs="+", required=True, help="a dataset's tensors; or a folder and its list")
    parser.add_argument("--entry", type=settings_argument(ClassifierEntry), required=True, help="of classifiers")
    parser.add_argument("--settings", type=settings_argument(RobustnessSettings), required=True)
    parser.add_argument("--found", required=True, help="the images that were found, a safetensors file")
    parser.add_argument("--denoisers", nargs="*", default=[], help="files of the denoisers that defences name")
    parser.add_argument("--shard", type=INDEX, default=0, help="counted from 0")
    parser.add_argument("--shards", type=COUNT, default=1, help="how many there are")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd
import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.denoisers import trained_defences
from pipeline.files.images import Images, open_images, open_splits
from pipeline.files.rows import write_rows
from pipeline.files.tensors import write_tensors
from pipeline.jobs.progress import progress_bar
from spurious.attacks.scores import Scores
from spurious.attacks.within import Starts
from spurious.data.datasets import to_float
from spurious.defences.defended import Defended, logits_of
from spurious.experiments.robustness.archive import description, joined
from spurious.experiments.robustness.examples import MOST, examples_of
from spurious.experiments.robustness.rows import all_rows, fitted_defences, work
from spurious.seeding import generator

KEPT_PHOTOGRAPHS = 300  # at most, that nobody attacks and thresholds are chosen by: each is as expensive as an attack's


def main(argv: list[str] | None = None) -> None:
    """Read images and classifier, fit the defences, attack this shard, write the rows and what was found."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    images = open_images(arguments.data)
    order = order_of(images)
    ranks = own_ranks(min(settings.images, len(images)), arguments)
    model, preprocessing = open_classifier(arguments.weights, arguments.entry, device, accelerated=False)
    model.to(memory_format=torch.channels_last)  # convolutions are a fifth faster on processors
    kept = not_attacked(arguments.data, images, order[settings.images :], settings.batch_size, device)
    trained = trained_defences(settings.defences, arguments.denoisers, images.shape, device)
    rows, found, abouts, shown = [], {}, [], []
    with logits_of(model) as logits:
        try:
            defences = fitted_defences(trained, logits, kept, preprocessing)
            for part, starts, own, made in attacked(defences, logits, images, order, ranks, arguments, device):
                stored = starts.ids[: int((part < (settings.archived or len(order))).sum())]
                about = description(own, made, starts, defences, stored)
                found |= {row["name"]: made[row["name"]] for row in about["found"] if row["stored"]}
                rows.append(own)
                abouts.append(about)
                described, tensors = examples_of(own, made, starts, defences, MOST - len(shown))
                shown, found = shown + described, found | tensors
        except SpuriousError as error:
            raise SpuriousError(f"{arguments.weights}: {error}") from None
    who = {"classifier": arguments.classifier, "seed": arguments.seed}
    write_rows(arguments.rows, pd.concat(rows, ignore_index=True).assign(**who))
    about = who | {"entry": as_data(arguments.entry)} | joined(abouts)
    described = {"archive": json.dumps(about), "rows": json.dumps([row | who for row in shown])}
    write_tensors(arguments.found, found, described)


def attacked(
    defences: Mapping[str, Defended],
    logits: Scores,
    images: Images,
    order: torch.Tensor,
    ranks: torch.Tensor,
    arguments: argparse.Namespace,
    device: torch.device,
) -> Iterator[tuple[torch.Tensor, Starts, pd.DataFrame, dict[str, torch.Tensor]]]:
    """The ranks (n,) of images that are attacked together, their starts, rows and what was found: a dataset's images
    of this shard at once, photographs, whose sizes differ, one by one.
    """
    settings = arguments.settings
    parts = ranks.split(len(ranks) if images.shape else 1)
    checks = [int((part < settings.checks.images).sum()) for part in parts]
    total = sum(work(defences, settings, *own) for own in zip(map(len, parts), checks, strict=True))
    with progress_bar(desc=f"attacks, shard {arguments.shard}", total=total, unit="image") as bar:
        for part, checked in zip(parts, checks, strict=True):
            starts = loaded(images, order[part], device)
            yield part, starts, *all_rows(defences, logits, starts, settings, arguments.seed, checked, bar.update)


def order_of(images: Images) -> torch.Tensor:
    """The places of the images as they are taken: a dataset's first ones, photographs, which are sorted by label, in a
    random order that is always the same.
    """
    if images.shape is None:
        return torch.randperm(len(images), generator=generator("order of photographs"))
    return torch.arange(len(images))


def own_ranks(count: int, arguments: argparse.Namespace) -> torch.Tensor:
    """Every `shards`-th of the attacked images, from `shard` on."""
    if not 0 <= arguments.shard < arguments.shards:
        raise SpuriousError(f"--shard {arguments.shard}: with --shards {arguments.shards} it must be below that")
    if arguments.shard >= count:
        raise SpuriousError(f"--shard {arguments.shard}: has none of {count} images; lower robustness.shards")
    return torch.arange(count)[arguments.shard :: arguments.shards]


def loaded(images: Images, places: torch.Tensor, device: torch.device) -> Starts:
    """The images of these places: those of a dataset, or one photograph."""
    pixels, ids = to_float(images.load(places)).to(device), [images.ids[place] for place in places.tolist()]
    return Starts(images=pixels, labels=images.labels[places].to(device), ids=ids)


@dataclass(frozen=True)
class Batches:
    """Images (n, C, H, W), float32 in [0, 1], of places (n,), loaded whenever they are asked for."""

    load: Callable[[torch.Tensor], torch.Tensor]
    places: Sequence[torch.Tensor]
    device: torch.device

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (to_float(self.load(places)).to(self.device) for places in self.places)


def not_attacked(
    data: Sequence[str], images: Images, others: torch.Tensor, batch_size: int, device: torch.device
) -> Batches:
    """The validation images; of photographs, some of the others (n,), one by one."""
    if images.shape is None:
        return Batches(images.load, others[:KEPT_PHOTOGRAPHS].split(1) if len(others) else (), device)
    validation = open_splits(data[0])[0]["validation"]
    return Batches(validation.batch, torch.arange(len(validation)).split(batch_size), device)


if __name__ == "__main__":
    run(main)
