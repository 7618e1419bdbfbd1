"""Certification against the network alone on ready noise: what drawing, adding and counting cost."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from measuring import Row, median_seconds
from spurious.classifiers.models import Description, build_classifier
from spurious.defences.defended import Together
from spurious.defences.entries import Blur, Undefended, Vote
from spurious.defences.registry import Defence
from spurious.defences.smoothed import Noise
from spurious.seeding import generator

SHAPE = (1, 28, 28)
DRAWS, BATCH = 2000, 250
TOGETHER = "certification of MNIST's cnn, undefended, blurred and by the vote together"


def rows(root: Path) -> Iterator[Row]:
    """Microseconds of processor time, which others do not disturb, for each draw of MNIST's CNN: undefended, where at
    least 0.9 of the network's own rate is wanted; and of three defences together, against one after the other.
    """
    torch.set_num_threads(1)
    model = build_classifier(Description(architecture="cnn", image_shape=SHAPE, classes=10)).eval()
    model.requires_grad_(False)
    ready = torch.randn(BATCH, *SHAPE)
    alone = _counting(model, {"none": Undefended()})
    network = _microseconds(lambda: [model(ready) for _ in range(DRAWS // BATCH)])
    yield _row("certification of MNIST's cnn", _microseconds(alone), network)
    defences = {"none": Undefended(), "blur": Blur(), "vote": Vote()}
    one_by_one = [_counting(model, {name: defence}) for name, defence in defences.items()]
    apart = _microseconds(lambda: [count() for count in one_by_one])
    yield _row(f"{TOGETHER}, against one after the other", _microseconds(_counting(model, defences)), apart)


def _counting(model: nn.Module, defences: dict[str, Defence]) -> Callable[[], object]:
    """Counts the decisions of the defences in the same DRAWS draws."""
    image = torch.rand(SHAPE, generator=generator("benchmark certification"))
    noise, subjects = Noise(0.25, seed=0, batch_size=BATCH), Together(defences, model)
    return lambda: noise.counts(subjects.scores, image, 0, DRAWS, "estimation")


def _microseconds(work: Callable[[], object]) -> float:
    return 1e6 * median_seconds(work, repeat=5, clock=time.process_time) / DRAWS


def _row(what: str, ours: float, reference: float) -> Row:
    return Row(what, ours, reference, reference / ours, "us per draw, processor time")
