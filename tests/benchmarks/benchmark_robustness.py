"""Attacks on the vote of three views beside the gradients of three plain classifiers, and one image after the other.

And what memory a shard takes for its images, beside that of its rows and of the images that are kept.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from benchmark_fooling import WIDTHS, classifier
from measuring import Row, median_seconds, memory_mb
from spurious import registry
from spurious.attacks.apgd import ascend
from spurious.attacks.margins import lower_median
from spurious.attacks.objectives import wanted_classes
from spurious.attacks.on_decisions import Oblivious
from spurious.attacks.square import square
from spurious.attacks.white_box import raising
from spurious.attacks.within import Starts, Within
from spurious.defences.defended import Defended
from spurious.defences.entries import Undefended, Vote
from spurious.experiments.robustness.rows import fitted_defences
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.experiments.robustness.shard import attack_parts, parts_of
from spurious.seeding import generator

MANY, FEW, STEPS, QUERIES, ROUNDS = 60, 5, 4, 20, 3
DEFENCES, LONG = 6, 100  # of `paper`: that many defences, and steps
BALL = Within(norm="linf", epsilon=1e-6)  # so small that no image is done before the end


TINY, ARCHIVED = 64, 10  # pixels of a side; images of which what is found is kept
MEMORY = {
    "sizes": {"linf": [0.2, 0.5], "l2": [5.0, 20.0]},
    "defences": {"none": "none", "blur": "blur", "vote": "vote"},
    "attacks": {"oblivious": {"kind": "oblivious", "steps": 3}, "random": {"kind": "random", "directions": 2}},
    "checks": {"images": 1},
    "archived": ARCHIVED,
    "batch_size": 10,
}


def rows(root: Path) -> Iterator[Row]:
    """Milliseconds for each image and step of the gradient, or query.

    Of the white box on the vote .8 of the reference's rate is wanted.
    """
    torch.set_num_threads(1)
    model = classifier(*WIDTHS["MNIST's CNN"])
    ours, plain = fewest_ms((partial(ascent, Defended(Vote(), model)), MANY), (partial(three_plain, model), MANY))
    name = "white box on the vote of MNIST's CNN, against three plain passes"
    yield Row(name, ours / STEPS, plain / STEPS, plain / ours, "ms per step, one core")
    once, again = fewest_ms((partial(behind_each, model, True), FEW), (partial(behind_each, model, False), FEW))
    name = f"attack without the defence on MNIST's CNN behind {DEFENCES} defences, searched once, against for each"
    yield Row(name, once / LONG, again / LONG, again / once, "ms per step, one core")
    torch.set_num_threads(2)
    for name, widths in WIDTHS.items():
        vote = Defended(Vote(), classifier(*widths))
        ours, alone = fewest_ms((partial(squares, vote, MANY, MANY), MANY), (partial(squares, vote, FEW, 1), FEW))
        name = f"Square on the vote of {name}, against one image after the other"
        yield Row(name, ours / QUERIES, alone / QUERIES, alone / ours, "ms per query, 2 cores")
    yield from memory_rows()


def memory_rows() -> Iterator[Row]:
    """Growth of the peak memory in MB."""
    for alike, what in ((True, "of one size"), (False, "one by one")):
        (small, _), (large, kept) = (measured(count, alike) for count in (20, 200))
        name = f"attacks, growth of peak memory from 20 to 200 images {what}, against all that were found"
        yield Row(name, large - small, kept, kept / max(large - small, 1.0), "MB")


def measured(count: int, alike: bool) -> tuple[float, float]:
    """Peak memory of a shard of so many images, in a process of its own, and what all found images would take: MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_shard, (count, alike))


def _shard(count: int, alike: bool) -> tuple[float, float]:
    torch.set_num_threads(1)
    settings = registry.parse(RobustnessSettings, MEMORY)
    model = nn.Sequential(nn.Flatten(), nn.Linear(TINY * TINY, 10)).requires_grad_(False)
    ranks = torch.arange(count)
    parts = parts_of(ranks, settings, alike)

    def load(places: torch.Tensor) -> Starts:
        images = [torch.rand(1, TINY, TINY, generator=generator("tiny", place)) for place in places.tolist()]
        pixels = torch.stack(images)
        return Starts(images=pixels, labels=model(pixels).argmax(1), ids=places.tolist())

    made = attack_parts(fitted_defences(settings.defences, model, ()), model, parts, load, settings, 0)
    found = made.rows.drop_duplicates(["defence", "attack", "norm", "id", "found"])["found"].sum()
    return memory_mb("VmHWM"), float(found) * TINY * TINY * 4 / 2**20


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


def behind_each(model: nn.Module, kept: bool) -> None:
    """Of the attacker who does not know of the vote, once behind each of some defences."""
    attack, undefended = Oblivious(steps=LONG), Defended(Undefended(), model)
    attack = attack.for_one_batch() if kept else attack
    own = starts(FEW)
    own = replace(own, labels=undefended.decide(own.images))
    for _ in range(DEFENCES):
        attack(undefended, undefended, own, BALL, seed=0)


def three_plain(model: nn.Module) -> None:
    """The same function on the undefended classifier, as often as the vote has views."""
    for _ in range(3):
        ascent(Defended(Undefended(), model))


def squares(attacked: Defended, count: int, at_once: int) -> None:
    """The search of so many images, some at once."""
    for places in torch.arange(count).split(at_once):
        square(attacked, starts(count).at(places), BALL, seed=0, queries=QUERIES)
