"""Train the denoiser of one classifier, one loss after the other; a killed run continues from its last checkpoint."""

import argparse
from pathlib import Path

from pipeline.jobs.arguments import (
    SEED,
    Parser,
    add_compute_arguments,
    answer_help,
    json_argument,
    run,
    settings_argument,
)
from pipeline.jobs.code import code_of
from pipeline.jobs.devices import name_of, note_slow_precision, prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.recipes import TrainingRecipe
from spurious.defences.denoising import DenoiserSettings
from spurious.registry import parse as parse_settings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True, help="the classifier's file")
    parser.add_argument(
        "--entry", type=settings_argument(ClassifierEntry), required=True, help="JSON: under classifiers"
    )
    parser.add_argument("--name", required=True, help="the denoiser's, by which defences name it")
    parser.add_argument("--settings", type=settings_argument(DenoiserSettings), required=True)
    parser.add_argument("--recipes", type=json_argument, required=True, help="JSON: recipes by name")
    parser.add_argument("--seed", type=SEED, required=True)
    parser.add_argument("--output", required=True, help="the denoiser, a safetensors file")
    parser.add_argument("--history", required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.checkpoints import train
from pipeline.files.classifiers import open_classifier
from pipeline.files.denoisers import write_denoiser
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset
from spurious.defences.denoiser import DnCNN, Judged, denoiser_trainer
from spurious.errors import SpuriousError


def main(argv: list[str] | None = None) -> None:
    """Read dataset and classifier, train by every loss, write the weights and the history."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    data = read_dataset(arguments.data)
    classifier, preprocessing = open_classifier(arguments.weights, arguments.entry, device, accelerated=False)
    judged = Judged(DnCNN(data.image_shape[0], settings).to(device), classifier, preprocessing)
    images, rows, checkpoints = data.pixels("train"), [], []
    for loss, name in settings.recipes.items():
        recipe = parse_settings(TrainingRecipe, arguments.recipes[name], name)
        note_slow_precision(recipe.precision, device)
        try:
            trainer = denoiser_trainer(loss, judged, images, recipe, seed=arguments.seed, fresh=not rows)
        except SpuriousError as error:
            raise SpuriousError(f"{arguments.weights}: {error}") from None
        checkpoints.append(Path(arguments.output).with_suffix(f".{loss}.checkpoint"))
        history = train(trainer, None, checkpoints[-1], f"{arguments.name}, {loss}", code_of("train_denoiser"))
        where = {"criterion": loss, "device": name_of(device), "precision": trainer.precision}
        rows.append(pd.DataFrame(history).assign(**where))
    write_rows(arguments.history, pd.concat(rows).drop(columns=["negative_loss", "validation_accuracy"]))
    write_denoiser(arguments.output, judged.denoiser, arguments.name, settings, data.image_shape)
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
