"""The recipe `fast` against the recipe `published`: time to the same validation accuracy on MNIST.

Also a step with fresh noise and an inner attack of 5 steps against its forward and backward passes by themselves: a
ratio of .87 or more is at most 1.15 times their time.

Steps to that accuracy come from the histories of a finished run of `paper`, the time of a step from this run.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
import yaml

from measuring import Row, median_seconds
from spurious.attacks.confidence import confidence_gradients
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Fresh, Trainer, TrainingSet, one_hot
from spurious.configuration import settings_for
from spurious.perturbations.negatives import FreshNoise
from spurious.registry import parse

RECIPES = {"cnn": "fast", "cnn-published": "published"}
STEPS = 20


def rows(root: Path) -> Iterator[Row]:
    """Seconds of a step with an inner attack; of training, in full and to the lower of the two final accuracies."""
    yield _inner_attack()
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


def _inner_attack() -> Row:
    """All passes of a step: 5 through half of the batch for its pixels, one through the whole for the weights."""
    recipe = TrainingRecipe(learning_rate=2e-3, batch_size=64, epochs=1.0)
    model = build_classifier(Description(architecture="cnn", image_shape=(1, 28, 28), classes=10))
    images, labels = torch.rand(640, 1, 28, 28), torch.arange(640) % 10
    fresh = Fresh(noise=FreshNoise(share=0.5, steps=5), target=torch.full((10,), 0.1), classes=10)
    trainer = Trainer(model, TrainingSet(images=images, targets=one_hot(labels, 10), fresh=fresh), recipe, seed=0)
    trainer.total = 10**9
    batch = images[:128].to(memory_format=torch.channels_last)

    def passes() -> None:
        for _ in range(5):
            confidence_gradients(trainer._logits, batch[:64], 10)
        loss = F.cross_entropy(trainer._logits(batch), labels[:128])
        torch.autograd.grad(loss, trainer.optimizer.parameters)

    times = [(median_seconds(trainer._train_step, repeat=5), median_seconds(passes, repeat=5)) for _ in range(5)]
    ours, alone = (statistics.median(column) for column in zip(*times, strict=True))
    return Row("training step with an inner attack of 5 steps", ours, alone, alone / ours, "s")


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
