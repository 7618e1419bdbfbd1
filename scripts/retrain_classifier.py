"""Retrain a classifier against negatives, round by round, and attack it again after each."""

import argparse
from functools import partial
from pathlib import Path

from pipeline.jobs.arguments import (
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    declare_own_kinds,
    json_argument,
    run,
    settings_argument,
)
from pipeline.jobs.code import code_of
from pipeline.jobs.devices import name_of, note_slow_precision, prepare_compute
from spurious.classifiers.recipes import TrainingRecipe
from spurious.experiments.backworking.settings import BackworkingSettings
from spurious.experiments.retraining.settings import RetrainingSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    declare_own_kinds()  # they may add to the choices
    parser = Parser(description=__doc__)
    add_required(parser, "data", "classifier", "weights", "seed", "attacks-rows", "old-rows", "predictions-rows")
    add_required(parser, "negatives-rows", "history-rows", "strong-rows", "noise-rows", "negatives-file")
    parser.add_argument("--architecture", type=json_argument, help="JSON: what the weights must be of")
    parser.add_argument("--control", required=True, help="an unretrained classifier of another seed")
    parser.add_argument("--found", nargs="+", required=True, help="found images, one file per label in order")
    parser.add_argument("--found-rows", nargs="+", required=True, help="their rows")
    parser.add_argument("--negatives", required=True, help="their name in the arm")
    parser.add_argument("--target", choices=["none", "uniform", "extra"], required=True)
    parser.add_argument("--settings", type=settings_argument(RetrainingSettings), required=True)
    parser.add_argument("--recipe", type=settings_argument(TrainingRecipe), required=True, help="that retrains")
    parser.add_argument("--searches", type=settings_argument(BackworkingSettings), required=True)
    parser.add_argument("--strong-file", required=True, help="the images of the attack that does not give up")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd
import torch

from pipeline.files.checkpoints import train
from pipeline.files.rows import read_rows, write_rows
from pipeline.files.tensors import read_dataset, read_tensors, write_tensors
from pipeline.files.weights import load_classifier, read_description
from pipeline.jobs.progress import counting
from spurious.classifiers.predictions import predict
from spurious.classifiers.training import Trainer
from spurious.experiments.retraining.rows import Arm, retrained
from spurious.experiments.retraining.strong import StrongAttack
from spurious.perturbations.negatives import search_of


def main(argv: list[str] | None = None) -> None:
    """Read data, the trained classifier, its control and what was found in it; write rows of all rounds."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    note_slow_precision(arguments.recipe.precision, device)
    arm = read_arm(arguments, device)
    made = retrained(arm)
    write_tensors(arguments.negatives_file, {"negatives": made.negatives})
    write_tensors(arguments.strong_file, made.strong)
    for name, rows in made.rows().items():
        write_rows(getattr(arguments, f"{name}_rows"), rows)
    for number in range(1, arm.rounds + 1):  # only a killed run would need them
        checkpoint_of(arguments, number).unlink(missing_ok=True)


def read_arm(arguments: argparse.Namespace, device: torch.device) -> Arm:
    """The arm with the contents of its files."""
    data, settings, searches = read_dataset(arguments.data), arguments.settings, arguments.searches
    before, control = (
        load_classifier(path, device, arguments.architecture) for path in (arguments.weights, arguments.control)
    )
    search = search_of(arguments.negatives, settings.attacks, settings.negatives)
    return Arm(
        classifier=arguments.classifier,
        negatives=arguments.negatives,
        target=arguments.target,
        seed=arguments.seed,
        data=data,
        before=before,
        description=read_description(arguments.weights),
        control=control,
        strong=StrongAttack(data, partial(predict, control), settings.strong, searches.found_above),
        found=[read_tensors(path)[0][f"{search}/seed{arguments.seed}"] for path in arguments.found],
        found_rows=read_rows(arguments.found_rows),
        settings=settings,
        searches=searches.searches,
        images=searches.images,
        recipe=arguments.recipe,
        train=partial(train_round, arguments),
        counting=lambda work, unit: counting(f"{name_of_arm(arguments)}, {work}", unit),
    )


def name_of_arm(arguments: argparse.Namespace) -> str:
    """As its folder is called."""
    return f"{arguments.negatives}-{arguments.target}"


def train_round(
    arguments: argparse.Namespace, trainer: Trainer, validation: tuple[torch.Tensor, torch.Tensor], number: int
) -> pd.DataFrame:
    """The history of a round's training, which goes on from its checkpoint."""
    name, checkpoint = f"{name_of_arm(arguments)}, seed {trainer.seed}", checkpoint_of(arguments, number)
    history = pd.DataFrame(train(trainer, validation, checkpoint, name, code_of("retrain_classifier")))
    return history.assign(device=name_of(trainer.device), precision=trainer.precision)


def checkpoint_of(arguments: argparse.Namespace, number: int) -> Path:
    """Where a round's training is saved; kept until the arm's results are written."""
    return Path(arguments.attacks_rows).parent / f"round{number}.checkpoint.safetensors"


if __name__ == "__main__":
    run(main)
