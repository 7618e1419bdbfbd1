"""Train softmax regressions with every weight decay and one seed; a killed run continues from its last checkpoint."""

import argparse
from pathlib import Path

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.code import code_of
from pipeline.jobs.devices import name_of, prepare_compute
from spurious.experiments.linear.settings import LinearSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    add_required(parser, "seed", "weights", "predictions", "history")
    parser.add_argument("--data", required=True, help="data.safetensors, or the folder of a store")
    parser.add_argument("--settings", type=settings_argument(LinearSettings), required=True)
    parser.add_argument("--steps", required=True, help="sizes of the smallest steps to every class")
    parser.add_argument("--pair", required=True, help="rows of the two classes of the settings under attack, if any")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import torch

from pipeline.files.checkpoints import train
from pipeline.files.images import open_splits
from pipeline.files.rows import write_rows
from pipeline.files.tensors import write_tensors
from pipeline.jobs.progress import progress_bar
from spurious.classifiers.linear import LinearTrainer, history_rows
from spurious.experiments.linear.binary_logistic import binary_logistic_rows
from spurious.experiments.linear.sweep import attacked, check, predictions, with_seed
from spurious.frames import held_out


def main(argv: list[str] | None = None) -> None:
    """Read the data, train, write weights, history, predictions, the smallest steps and the confused pair."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings, seed = arguments.settings, arguments.seed
    splits, classes = open_splits(arguments.data)
    check(settings, splits, classes)
    trainer = LinearTrainer(splits["train"], settings, classes, seed=seed, device=device)
    checkpoint = Path(arguments.weights).with_name("checkpoint.safetensors")
    history = train(trainer, splits.get("validation"), checkpoint, f"linear, seed {seed}", code_of("train_linear"))
    rows = history_rows(history, settings.weight_decays).assign(device=name_of(device), precision="float32")
    write_rows(arguments.history, with_seed(rows, seed))
    weight, bias = trainer.weights()
    classifiers = weight.to(device), bias.to(device)
    write_rows(arguments.predictions, with_seed(predictions(*classifiers, splits, settings.weight_decays), seed))
    with progress_bar(desc=f"linear, seed {seed}, attacks", total=len(weight), unit="weight decay") as bar:
        steps = attacked(*classifiers, splits[held_out(splits)], settings, seed, bar.update)
    decays = torch.tensor(settings.weight_decays, dtype=torch.float64)
    common = {"weight_decays": decays, "seed": torch.tensor(seed)}
    write_tensors(arguments.steps, steps | common)
    write_rows(arguments.pair, binary_logistic_rows(splits, settings, seed=seed, device=device))
    write_tensors(arguments.weights, {"weight": weight, "bias": bias, **common})
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
