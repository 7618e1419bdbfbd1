"""All searches in one classifier by its scores alone: from images and from noise, by evolution and at random."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.distances import Stored, approach
from spurious.attacks.evolution import Box, Found, Goal, ball, evolve, noise
from spurious.attacks.scores import Scores, first_right
from spurious.attacks.targets import random_targets
from spurious.data.datasets import Dataset
from spurious.errors import SpuriousError
from spurious.experiments.black_box.rows import search_rows
from spurious.experiments.black_box.settings import BlackBoxSettings

METHODS: tuple[Literal["evolution", "random"], ...] = ("evolution", "random")


@dataclass(frozen=True, kw_only=True)
class Task:
    """Searches from one kind of start: their ids and labels (N,), None for noise, and where they begin (N, C, H, W).

    They stay in the `box` and want what `goal` says.
    """

    ids: list[int]
    labels: Tensor | None
    original: Tensor
    box: Box
    goal: Goal


def tasks_of(data: Dataset, scores: Scores, settings: BlackBoxSettings, seed: int) -> dict[str, Task]:
    """The searches from the start "image" and from "noise".

    Raises SpuriousError where the classifier gets no test image right.
    """
    return {"image": _from_images(data, scores, settings, seed), "noise": _from_noise(data, settings, seed)}


def _from_images(data: Dataset, scores: Scores, settings: BlackBoxSettings, seed: int) -> Task:
    """From the first test images that are classified rightly, towards other classes."""
    labels = data.labels["test"]
    ids, _ = first_right([scores], data.pixels("test"), labels, settings.images)
    if not ids:
        raise SpuriousError("black_box: no test image is classified rightly; train or fit the classifier again")
    images, labels = data.pixels("test")[ids], labels[ids]
    goal = Goal(classes=random_targets(labels, data.classes, ids, seed))
    return Task(ids=ids, labels=labels, original=images, box=ball(images, settings.epsilon), goal=goal)


def _from_noise(data: Dataset, settings: BlackBoxSettings, seed: int) -> Task:
    """The same from noise: the targets take turns, nothing has a label."""
    ids = list(range(settings.images))
    box = noise(ids, data.image_shape, seed)
    goal = Goal(classes=torch.arange(settings.images) % data.classes, above=settings.found_above)
    return Task(ids=ids, labels=None, original=box.first, box=box, goal=goal)


def queries(tasks: Mapping[str, Task], settings: BlackBoxSettings) -> int:
    """Images that all searches may judge, and the evolution towards all classes does; those by distances judge none."""
    searches = len(METHODS) * sum(len(task.ids) for task in tasks.values())
    elites = settings.map_elites.queries if settings.map_elites else 0
    return searches * settings.budget.max_queries + elites


def search_all(
    tasks: Mapping[str, Task],
    scores: Scores,
    stored: Stored | None,
    settings: BlackBoxSettings,
    identification: dict[str, object],
    on_queries: Callable[[int], object] = lambda settled: None,
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """The rows of all searches, and images (N, C, H, W): `<start>/original`, and `<start>/evolution` that came of them.

    Rows as of `search_rows`, with `start` and `search`, one of METHODS or "distances". `stored` is what a classifier
    holds that decides by distances, such as nearest neighbours: such a one is attacked by these from images, too.
    `identification` holds the `seed`; `on_queries` as of `evolve`.
    """
    rows, images = [], {}
    for start, task in tasks.items():
        for search, found in _found(task, scores, stored, settings, identification["seed"], on_queries):
            own = identification | {"start": start, "search": search}
            rows.append(search_rows(scores, found, task.goal, task.original, task.ids, task.labels, own))
            if search == "evolution":
                images |= {f"{start}/evolution": found.images, f"{start}/original": task.original}
    return pd.concat(rows), images


def _found(
    task: Task,
    scores: Scores,
    stored: Stored | None,
    settings: BlackBoxSettings,
    seed: int,
    on_queries: Callable[[int], object],
) -> Iterator[tuple[str, Found]]:
    """What each search from this start ended with, by its name."""
    evolved = partial(evolve, scores, task.box, task.goal, task.ids, settings.budget, seed=seed, on_queries=on_queries)
    yield from ((method, evolved(method=method)) for method in METHODS)
    if task.labels is not None and stored is not None:
        yield "distances", _by_distances(stored, task, settings.epsilon)


def _by_distances(stored: Stored, task: Task, epsilon: float) -> Found:
    """What an attack that asks for no score ends with; whether it reached its goal is judged with its rows."""
    moved = approach(stored, task.original, task.goal.classes, task.box, epsilon)
    none = torch.zeros(len(moved))
    return Found(images=moved, queries=none.long(), reached=none.bool(), flat=none)
