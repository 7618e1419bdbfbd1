"""Train one classifier with one seed; a killed run continues from its last checkpoint."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipeline.jobs.arguments import (
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    json_argument,
    run,
    settings_argument,
)
from pipeline.jobs.code import code_of
from pipeline.jobs.devices import name_of, note_slow_precision, prepare_compute
from pipeline.jobs.progress import note, tell_of
from spurious import registry
from spurious.classifiers.progress import rise_of
from spurious.classifiers.recipes import TrainingRecipe


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "data", "classifier", "seed", "weights", "history", "predictions")
    parser.add_argument("--architecture", type=json_argument, required=True, help="JSON: architecture, channels, units")
    parser.add_argument("--recipe", type=settings_argument(TrainingRecipe), required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd

from pipeline.files.checkpoints import train
from pipeline.files.rows import write_rows
from pipeline.files.tensors import read_dataset
from pipeline.files.weights import write_weights
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.predictions import predict
from spurious.classifiers.training import Progress, Trainer, TrainingSet, one_hot
from spurious.data.datasets import SPLITS
from spurious.experiments.classifiers.rows import prediction_rows
from spurious.statistics.chance import near_chance


def main(argv: list[str] | None = None) -> None:
    """Read the dataset, train, write weights, history and the predictions of every image."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    note_slow_precision(arguments.recipe.precision, device)
    data = read_dataset(arguments.data)
    own = {"image_shape": data.image_shape, "classes": data.classes}
    description = registry.parse(Description, own | arguments.architecture)
    model = build_classifier(description).to(device)
    training_set = TrainingSet(images=data.pixels("train"), targets=one_hot(data.labels["train"], data.classes))
    trainer = Trainer(model, training_set, arguments.recipe, seed=arguments.seed)
    checkpoint = Path(arguments.weights).with_name("checkpoint.safetensors")
    validation = data.pixels("validation"), data.labels["validation"]
    name = f"{arguments.classifier}, seed {arguments.seed}"
    history = train(trainer, validation, checkpoint, name, code_of("train_classifier"))
    report_unfinished(history, len(data.labels["validation"]), name)
    where = {"device": name_of(device), "precision": trainer.precision}
    write_rows(arguments.history, pd.DataFrame(history).assign(**where))
    splits = ((split, data.pixels(split), data.labels[split]) for split in SPLITS)
    identification = {"classifier": arguments.classifier, "seed": arguments.seed}
    predictions = prediction_rows(partial(predict, model), splits, identification)
    write_rows(arguments.predictions, predictions)
    write_weights(arguments.weights, model, description)
    checkpoint.unlink(missing_ok=True)
    tests = predictions[predictions["split"] == "test"]
    warning = near_chance(tests["label"], tests["predicted"], data.classes)
    tell_of(name, warning and f"{warning}, and the recipe")


def report_unfinished(history: Sequence[Progress], images: int, name: str) -> None:
    """Say on the terminal where the validation accuracy still rises at the end."""
    rise = rise_of([row.step for row in history], [row.validation_accuracy for row in history], images)
    if rise and rise.clear:
        text = (
            f"the validation accuracy still rises after {history[-1].step} steps, from {rise.before:.3f} "
            f"to {rise.after:.3f} in the last third; raise epochs or min_steps of its recipe"
        )
        note(text, name)


if __name__ == "__main__":
    run(main)
