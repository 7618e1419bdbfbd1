"""Train softmax regressions with every weight decay and one seed; a killed run continues from its last checkpoint."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from pipeline.jobs.arguments import Parser, add_compute_arguments, add_required, answer_help, run, settings_argument
from pipeline.jobs.devices import name_of, prepare_compute
from spurious.errors import SpuriousError
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

import pandas as pd
import torch

from pipeline.files.checkpoints import train
from pipeline.files.images import open_splits
from pipeline.files.rows import write_rows
from pipeline.files.tensors import write_tensors
from pipeline.jobs.progress import progress
from spurious.attacks.box_steps import smallest_image_steps
from spurious.attacks.closed_form import Steps, fast_gradient_sign, rubbish_probability, smallest_steps
from spurious.attacks.confident_steps import confident_steps
from spurious.attacks.gradient import random_targets
from spurious.classifiers.linear import LinearTrainer, history_rows
from spurious.classifiers.linear_predictions import predict_linear, prediction_rows
from spurious.data.datasets import to_float
from spurious.data.splits import Split
from spurious.experiments.linear.binary_logistic import binary_logistic_rows
from spurious.frames import held_out
from spurious.seeding import generator

RUBBISH = 2000  # inputs from N(0, I)


def main(argv: list[str] | None = None) -> None:
    """Read the data, train, write weights, history, predictions, the smallest steps and the confused pair."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings, seed = arguments.settings, arguments.seed
    splits, classes = open_splits(arguments.data)
    check(settings, splits, classes)
    trainer = LinearTrainer(splits["train"], settings, classes, seed=seed, device=device)
    checkpoint = Path(arguments.weights).with_name("checkpoint.safetensors")
    history = train(trainer, splits.get("validation"), checkpoint, f"linear, seed {seed}")
    weight, bias = trainer.weights()
    decays = torch.tensor(settings.weight_decays, dtype=torch.float64)
    rows = history_rows(history, settings.weight_decays).assign(device=name_of(device), precision="float32")
    write_rows(arguments.history, with_seed(rows, seed))
    write_rows(arguments.predictions, with_seed(predictions(weight, bias, splits, settings, device), seed))
    steps = attacked(weight.to(device), bias.to(device), splits[held_out(splits)], settings, seed)
    common = {"weight_decays": decays, "seed": torch.tensor(seed)}
    write_tensors(arguments.steps, steps | common)
    write_rows(arguments.pair, binary_logistic_rows(splits, settings, seed=seed, device=device))
    write_tensors(arguments.weights, {"weight": weight, "bias": bias, **common})
    checkpoint.unlink(missing_ok=True)


def check(settings: LinearSettings, splits: Mapping[str, Split], classes: int) -> None:
    """Refuse what would fail after the training only."""
    if "train" not in splits:
        raise SpuriousError(f"the data have no split train, only {', '.join(splits) or 'none'}; make them again")
    held_out(splits)
    for key, labels in (("targets", settings.targets or ()), ("pair", settings.pair or ())):
        for label in labels:
            if not 0 <= label < classes:
                raise SpuriousError(f"linear.{key}: there is no class {label}; the classes are 0 to {classes - 1}")


def with_seed(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows with the seed as their first column."""
    return pd.concat([pd.Series(seed, index=rows.index, name="seed"), rows], axis=1)


def predictions(
    weight: torch.Tensor,
    bias: torch.Tensor,
    splits: Mapping[str, Split],
    settings: LinearSettings,
    device: torch.device,
) -> pd.DataFrame:
    """A row per weight decay and image of every split; of train only where there is no test, to show memorization."""
    parts = []
    for split, source in splits.items():
        if split == "train" and "test" in splits:
            continue
        predictions = predict_linear(weight.to(device), bias.to(device), source)
        rows = prediction_rows(predictions, source.labels, settings.weight_decays)
        rows.insert(1, "split", split)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def attacked(
    weight: torch.Tensor, bias: torch.Tensor, source: Split, settings: LinearSettings, seed: int
) -> dict[str, torch.Tensor]:
    """The first images under attack, and noise; see `linear` of `spurious.experiments.linear.regularization`.

    Every tensor but `ids` and `targets` has one entry per weight decay. `targets`: the wrong class, drawn for every
    image, that `confident_steps` make the classifiers sure of.
    """
    ids = torch.arange(len(source))[: settings.step_images]
    images, labels = to_float(source.batch(ids)).flatten(1).to(weight.device), source.labels[ids].to(weight.device)
    targets = random_targets(labels.cpu(), weight.shape[1], ids.tolist(), seed).to(labels)
    found = []
    classifiers = list(zip(weight.flatten(2), bias, strict=True))
    for own, b in progress(classifiers, f"linear, seed {seed}, attacks", "weight decay"):
        steps = smallest_steps(own, b, images)
        decision, p = fast_gradient_sign(own, b, images, labels, settings.epsilon)
        rubbish = rubbish_probability(own, b, RUBBISH, generator(seed, "rubbish"))
        attack = {"fgsm_wrong": decision != labels, "fgsm_p": p, "rubbish_p": rubbish}
        attack |= {"right": steps.decision == labels} | vars(smallest_image_steps(own, b, images, steps))
        attack |= vars(confident_steps(own, b, images, labels, targets))
        found.append({name: getattr(steps, name) for name in Steps.__annotations__} | attack)
    stacked = {name: torch.stack([tensors[name] for tensors in found]) for name in found[0]}
    return stacked | {"ids": ids, "targets": targets}


if __name__ == "__main__":
    run(main)
