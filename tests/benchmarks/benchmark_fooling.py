"""Projected gradient descent on many images at once against one image after the other, on two cores.

Each way does all that a user does: the gradient steps, and the judgement of what comes out. One after the other comes
in two kinds: by foolbox, an established library, and by our own code with a batch size of 1.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from measuring import Row, median_seconds
from spurious.attacks.entries import GradientAttack
from spurious.attacks.gradient import fool
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.classifiers.predictions import predict
from spurious.seeding import generator

MANY, FEW, METHOD = 500, 10, GradientAttack(epsilon=0.1, steps=20)
WIDTHS = {"MNIST's CNN": ((32, 64), 1024), "the CNN of digits": ((16, 32), 256)}
ROUNDS = 3


def rows(root: Path) -> Iterator[Row]:
    """Milliseconds for each image and step, for both widths of the CNN."""
    torch.set_num_threads(2)
    for name, (channels, units) in WIDTHS.items():
        model = classifier(channels, units)
        ways = {"ours": ours(250), "one by one": ours(1), "foolbox": foolbox_one_by_one()}
        times = measured(model, ways)
        for reference, text in (
            ("foolbox", "foolbox, one image after the other"),
            ("one by one", "ours, one image after the other"),
        ):
            if reference in times:
                ratio = times[reference] / times["ours"]
                yield Row(f"PGD on {name}: in batches, against {text}", times["ours"], times[reference], ratio, "ms")


def classifier(channels: tuple[int, int], units: int) -> nn.Module:
    """The CNN as the pipeline loads it; its speed does not depend on what it has learnt."""
    shape = {"image_shape": (1, 28, 28), "classes": 10, "channels": channels, "units": units}
    model = build_classifier(Description(architecture="cnn", **shape))
    initialize(model, "pytorch", generator("benchmark fooling"))
    return model.eval().requires_grad_(False)


Way = tuple[int, Callable[[nn.Module, Tensor, Tensor], object]]


def measured(model: nn.Module, ways: dict[str, Way | None]) -> dict[str, float]:
    """Milliseconds for each image and step; the ways take turns, so that all meet the same machine."""
    times = {name: [] for name, way in ways.items() if way}
    for _ in range(ROUNDS):
        for name, seconds in times.items():
            count, run = ways[name]
            images = torch.rand(count, 1, 28, 28, generator=generator("benchmark fooling images"))
            labels = torch.arange(count) % 10
            seconds.append(median_seconds(lambda: run(model, images, labels), repeat=1))  # noqa: B023 - called at once
    return {name: 1e3 * min(own) / ways[name][0] / METHOD.steps for name, own in times.items()}


def ours(batch_size: int) -> Way:
    """The library, with this batch size."""

    def run(model: nn.Module, images: Tensor, labels: Tensor) -> None:
        found = fool(model, images, labels, METHOD, ids=range(len(images)), seed=0, batch_size=batch_size)
        predict(model, found, batch_size=batch_size)

    return (MANY if batch_size > 1 else FEW), run


def foolbox_one_by_one() -> Way | None:
    """foolbox's attack with the same steps, on one image after the other; None where it is not installed."""
    try:
        import foolbox
    except ImportError:
        print("fooling: foolbox is not installed (requirements-test.txt), its rows are left out")
        return None
    attack = foolbox.attacks.LinfPGD(steps=METHOD.steps, rel_stepsize=2.5 / METHOD.steps, random_start=False)

    def run(model: nn.Module, images: Tensor, labels: Tensor) -> None:
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        for image, label in zip(images.split(1), labels.split(1), strict=True):
            found = attack.run(wrapped, image, label, epsilon=METHOD.epsilon)
            predict(model, found)

    return FEW, run
