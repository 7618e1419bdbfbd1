"""The recipe `fast` against the recipe `published`: time to the same validation accuracy on MNIST.

Steps to that accuracy come from the histories of a finished run of `paper`, the time of a step from this run.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
import yaml

from measuring import Row, median_seconds
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, one_hot
from spurious.configuration import settings_for
from spurious.registry import parse

RECIPES = {"cnn": "fast", "cnn-published": "published"}
STEPS = 20


def rows(root: Path) -> Iterator[Row]:
    """Seconds of training, in full and to the lower of the two final accuracies."""
    histories = {name: _histories(root / "results" / "mnist" / name) for name in RECIPES}
    if not all(histories.values()):
        print("training: left out, it needs the histories of a finished `make paper` in results/mnist")
        return
    settings = settings_for(yaml.safe_load((root / "config.yaml").read_text()), "mnist")
    torch.set_num_threads(settings["threads"]["training"])
    seconds = {name: _seconds_per_step(settings["recipes"][recipe]) for name, recipe in RECIPES.items()}
    full = {name: seconds[name] * _mean(history["step"].iloc[-1] for history in histories[name]) for name in RECIPES}
    yield Row("training, whole recipe", full["cnn"], full["cnn-published"], full["cnn-published"] / full["cnn"], "s")
    target = min(_mean(h["validation_accuracy"].iloc[-1] for h in histories[name]) for name in RECIPES)
    to_target = {name: seconds[name] * _mean(_steps_to(h, target) for h in histories[name]) for name in RECIPES}
    ratio = to_target["cnn-published"] / to_target["cnn"]
    name = f"training to a validation accuracy of {target:.4f}"
    yield Row(name, to_target["cnn"], to_target["cnn-published"], ratio, "s")


def _histories(folder: Path) -> list[pd.DataFrame]:
    return [pd.read_csv(path) for path in sorted(folder.glob("seed*/history.csv"))]


def _mean(values: Iterator[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def _steps_to(history: pd.DataFrame, target: float) -> int:
    """The first recorded step with at least that validation accuracy, else the last one."""
    reached = history[history["validation_accuracy"] >= target]
    return (reached if len(reached) else history.tail(1))["step"].iloc[0]


def _seconds_per_step(values: dict[str, object]) -> float:
    recipe = parse(TrainingRecipe, values)
    model = build_classifier(Description(architecture="cnn", image_shape=(1, 28, 28), classes=10))
    images = torch.rand(50 * recipe.batch_size, 1, 28, 28)
    labels = torch.arange(len(images)) % 10
    trainer = Trainer(model, TrainingSet(images=images, targets=one_hot(labels, 10)), recipe, seed=0)
    trainer.total = 10**9  # the schedule is of no interest here, only the time of a step

    def some_steps() -> None:
        for _ in range(STEPS):
            trainer._train_step()

    return median_seconds(some_steps, repeat=5) / STEPS
