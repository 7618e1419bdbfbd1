"""Attacks on the vote of three views beside the gradients of three plain classifiers, and one image after the other."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import nn

from benchmark_fooling import WIDTHS, classifier
from measuring import Row, median_seconds
from spurious.attacks.apgd import ascend
from spurious.attacks.margins import lower_median
from spurious.attacks.objectives import wanted_classes
from spurious.attacks.square import square
from spurious.attacks.white_box import raising
from spurious.attacks.within import Starts, Within
from spurious.defences.defended import Defended
from spurious.defences.entries import Undefended, Vote
from spurious.seeding import generator

MANY, FEW, STEPS, QUERIES, ROUNDS = 60, 5, 4, 20, 3
BALL = Within(norm="linf", epsilon=1e-6)  # so small that no image is done before the end


def rows(root: Path) -> Iterator[Row]:
    """Milliseconds for each image and step of the gradient, where .8 of the reference's rate is wanted, or query."""
    torch.set_num_threads(1)
    model = classifier(*WIDTHS["MNIST's CNN"])
    ours, plain = fewest_ms((partial(ascent, Defended(Vote(), model)), MANY), (partial(three_plain, model), MANY))
    name = "white box on the vote of MNIST's CNN, against three plain passes"
    yield Row(name, ours / STEPS, plain / STEPS, plain / ours, "ms per step, one core")
    torch.set_num_threads(2)
    for name, widths in WIDTHS.items():
        vote = Defended(Vote(), classifier(*widths))
        ours, alone = fewest_ms((partial(squares, vote, MANY, MANY), MANY), (partial(squares, vote, FEW, 1), FEW))
        name = f"Square on the vote of {name}, against one image after the other"
        yield Row(name, ours / QUERIES, alone / QUERIES, alone / ours, "ms per query, 2 cores")


def fewest_ms(*ways: tuple[Callable[[], object], int]) -> list[float]:
    """Milliseconds of each way for one of its images, the fewest of some rounds in which the ways take turns."""
    times = [[median_seconds(run, repeat=1, warm_up=0) / images for run, images in ways] for _ in range(ROUNDS)]
    return [1e3 * min(own) for own in zip(*times, strict=True)]


def starts(count: int) -> Starts:
    """Random images; their labels do not matter."""
    images = torch.rand(count, 1, 28, 28, generator=generator("benchmark robustness"))
    return Starts(images=images, labels=torch.arange(count) % 10, ids=range(count))


def ascent(attacked: Defended) -> None:
    """The gradient of the joint decision, step by step."""
    own = starts(MANY)
    evaluate = raising(attacked, own.labels, lower_median, wanted_classes(own.labels, 10))
    ascend(evaluate, own.images, own.images, BALL, STEPS, stop=False)


def three_plain(model: nn.Module) -> None:
    """The same function on the undefended classifier, as often as the vote has views."""
    for _ in range(3):
        ascent(Defended(Undefended(), model))


def squares(attacked: Defended, count: int, at_once: int) -> None:
    """The search of so many images, some at once."""
    for places in torch.arange(count).split(at_once):
        square(attacked, starts(count).at(places), BALL, seed=0, queries=QUERIES)
