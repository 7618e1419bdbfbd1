"""Attack a classifier behind every defence, at ascending sizes; a row for each image, defence, attack and size.

Every image that was found is kept, with what `verify.py` needs to judge it again.
"""

import argparse
import json
from functools import partial
from typing import Any

from pipeline.jobs.arguments import (
    COUNT,
    INDEX,
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    named_settings_argument,
    pair_argument,
    run,
    settings_argument,
)
from pipeline.jobs.devices import prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.robustness.settings import KEPT_PHOTOGRAPHS, RobustnessSettings
from spurious.registry import as_data


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "weights", "classifier", "seed", "rows")
    parser.add_argument("--data", nargs="+", required=True, help="a dataset's tensors; or a folder and its list")
    parser.add_argument("--entry", type=settings_argument(ClassifierEntry), required=True, help="of classifiers")
    parser.add_argument("--settings", type=settings_argument(RobustnessSettings), required=True)
    parser.add_argument("--found", required=True, help="the images that were found, a safetensors file")
    parser.add_argument("--denoisers", nargs="*", default=[], help="files of the denoisers that defences name")
    source, entries = pair_argument("ATTACK=FILE"), named_settings_argument(ClassifierEntry)
    parser.add_argument("--sources", nargs="*", type=source, default=[], help="weights that attacks of transfer follow")
    parser.add_argument("--source-entries", type=entries, default={}, help="JSON: their entries of classifiers")
    parser.add_argument("--shard", type=INDEX, default=0, help="counted from 0")
    parser.add_argument("--shards", type=COUNT, default=1, help="how many there are")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.denoisers import trained_defences
from pipeline.files.images import Images, open_images, shard_indices, validation_images
from pipeline.files.rows import write_rows
from pipeline.files.tensors import write_tensors
from pipeline.jobs.progress import progress_bar
from spurious.attacks.on_decisions import Transfer
from spurious.attacks.within import Starts
from spurious.defences.defended import Defended, logits_of
from spurious.defences.entries import Undefended
from spurious.experiments.robustness.rows import fitted_defences, knowing
from spurious.experiments.robustness.shard import attack_parts, parts_of, work_on


def main(argv: list[str] | None = None) -> None:
    """Read images and classifier, fit the defences, attack this shard, write the rows and what was found."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = following(arguments.settings, arguments, device)
    images = open_images(arguments.data)
    order = images.order()
    ranks = own_ranks(min(settings.images, len(images)), arguments.shard, arguments.shards)
    parts = parts_of(ranks, settings, alike=bool(images.shape))  # photographs differ in size
    model, preprocessing = open_classifier(arguments.weights, arguments.entry, device, accelerated=False)
    model.to(memory_format=torch.channels_last)  # convolutions are a fifth faster on processors
    others = order[settings.images :][:KEPT_PHOTOGRAPHS]
    kept = validation_images(arguments.data, images, others, settings.batch_size, device)
    settings = knowing(settings, kept)
    trained = trained_defences(settings.defences, arguments.denoisers, images.shape, device)
    load = partial(starts_of, images, order, device)
    with logits_of(model) as logits:
        try:
            defences = fitted_defences(trained, logits, kept, preprocessing)
            total, name = work_on(defences, settings, parts), f"attacks, shard {arguments.shard}"
            with progress_bar(desc=name, total=total, unit="image") as bar:
                made = attack_parts(defences, logits, parts, load, settings, arguments.seed, bar.update)
        except SpuriousError as error:
            raise SpuriousError(f"{arguments.weights}: {error}") from None
    who = {"classifier": arguments.classifier, "seed": arguments.seed}
    write_rows(arguments.rows, made.rows.assign(**who))
    about = who | {"entry": as_data(arguments.entry), "sources": sources_of(arguments)} | made.about
    described = {"archive": json.dumps(about), "rows": json.dumps([row | who for row in made.shown])}
    write_tensors(arguments.found, made.images, described)


def following(settings: RobustnessSettings, arguments: argparse.Namespace, device: torch.device) -> RobustnessSettings:
    """The settings whose attacks of transfer have the classifier that they follow, in evaluation mode."""
    paths, attacks = dict(arguments.sources), dict(settings.attacks)
    for name, attack in settings.attacks.items():
        if isinstance(attack, Transfer):
            if name not in paths or name not in arguments.source_entries:
                raise SpuriousError(f"--sources, --source-entries: the attack {name!r} is missing")
            entry = arguments.source_entries[name]
            model, preprocessing = open_classifier(paths[name], entry, device, accelerated=False)
            frozen = model.to(memory_format=torch.channels_last).eval().requires_grad_(False)
            attacks[name] = attack.following(Defended(Undefended(), frozen, preprocessing))
    return settings.model_copy(update={"attacks": attacks})


def sources_of(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """By the attack of transfer, the file and the entry of the classifier that it followed, in types of JSON."""
    entries = arguments.source_entries
    return {name: {"file": path, "entry": as_data(entries[name])} for name, path in arguments.sources}


def own_ranks(count: int, shard: int, shards: int) -> torch.Tensor:
    """The places of this shard in the order of the attacked images, of which it has some."""
    ranks = shard_indices(count, shard, shards)
    if not len(ranks):
        raise SpuriousError(f"--shard {shard}: has none of {count} images; lower robustness.shards")
    return ranks


def starts_of(images: Images, order: torch.Tensor, device: torch.device, ranks: torch.Tensor) -> Starts:
    """The images of these ranks, as the attacks take them."""
    places = order[ranks]
    pixels, labels = images.pixels(places).to(device), images.labels[places].to(device)
    return Starts(images=pixels, labels=labels, ids=images.names(places))


if __name__ == "__main__":
    run(main)
