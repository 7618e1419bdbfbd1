"""Certify a classifier behind every defence under noise; a row for each image, defence and standard deviation."""

import argparse
import zlib

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
from pipeline.jobs.code import code_of
from pipeline.jobs.devices import prepare_compute
from pipeline.jobs.progress import progress
from spurious.classifiers.entries import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.experiments.certification.settings import CertificationSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "weights", "classifier", "rows")
    parser.add_argument("--data", nargs="+", required=True, help="a dataset's tensors; or a folder and its list")
    parser.add_argument("--entry", type=settings_argument(ClassifierEntry), required=True, help="of classifiers")
    parser.add_argument("--settings", type=settings_argument(CertificationSettings), required=True)
    parser.add_argument("--attacks", required=True, help="output: the rows of attacks on the certificates")
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
from pipeline.files.images import open_images, shard_indices
from pipeline.files.journal import journal
from pipeline.files.photographs import sha256_of
from pipeline.files.rows import write_rows
from spurious.data.datasets import to_float
from spurious.defences.defended import Together, logits_of
from spurious.experiments.certification.rows import ATTACKS, COLUMNS, check_suited, rows_of_image
from spurious.registry import as_data
from spurious.views.preprocessing import Preprocessing

UNIMPORTANT = ("batch_size", "shards", "classifiers", "radii")  # settings that change no row of an image
PREPROCESSING = ("mean", "std", *Preprocessing.model_fields)  # keys of the classifier's entry that do


def main(argv: list[str] | None = None) -> None:
    """Read images and classifier, certify and attack this shard image by image, write the rows."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    images = open_images(arguments.data)
    chosen = range(0, len(images), settings.every)[: settings.images]
    model, preprocessing = open_classifier(arguments.weights, arguments.entry, device, accelerated=False)
    model.to(memory_format=torch.channels_last)  # half the time of a forward pass on processors
    known = {key: value for key, value in as_data(settings).items() if key not in UNIMPORTANT}
    known |= dict.fromkeys(PREPROCESSING) | {k: v for k, v in as_data(arguments.entry).items() if k in PREPROCESSING}
    trained = trained_defences(settings.defences, arguments.denoisers, images.shape, device)
    check_suited(trained, settings)
    files = map(sha256_of, [arguments.weights, *arguments.denoisers])
    made_of = " ".join([*files, code_of("certify_classifier")])
    certified, attacked = [], []
    with logits_of(model) as logits, journal(arguments.rows, made_of, known) as (done, note):
        subjects = Together(trained, logits, preprocessing)
        places = shard_indices(len(chosen), arguments.shard, arguments.shards).tolist()
        for place in progress(places, f"certification, shard {arguments.shard}", "image"):
            stored = images.load(torch.tensor([chosen[place]]))[0]
            name, label = images.ids[chosen[place]], int(images.labels[chosen[place]])
            item = f"{name} {label} {zlib.crc32(stored.numpy().tobytes())}"
            if item not in done:
                try:
                    image, attack = to_float(stored).to(device), place < settings.attack.images
                    done[item] = rows_of_image(subjects, image, name, label, settings, attack=attack)
                except SpuriousError as error:
                    raise SpuriousError(f"{arguments.weights}: {error}") from None
                note(item, done[item])
            certified += done[item][0]
            attacked += done[item][1]
        for path, rows, columns in ((arguments.rows, certified, COLUMNS), (arguments.attacks, attacked, ATTACKS)):
            write_rows(path, pd.DataFrame(rows, columns=columns).assign(classifier=arguments.classifier))


if __name__ == "__main__":
    run(main)
