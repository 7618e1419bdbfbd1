"""The noise sweep: classify every view of an image, as it is, blurred once and blurred twice, and let them vote.

Knows neither datasets nor classifiers: it loads what it is told to, and gets the class of each view from a function.
"""

from collections import deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.defences.vote import vote
from spurious.errors import SpuriousError
from spurious.experiments.smoothing.names import PUBLISHED
from spurious.experiments.smoothing.rows import columns
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.views.preprocessing import Preprocessing
from spurious.views.viewer import Viewer

Item, Prepared = TypeVar("Item"), TypeVar("Prepared")


class Batch(NamedTuple):
    """Images (N, C, H, W) of one size, float32 in [0, 1], with their ids and labels (N,)."""

    ids: Sequence[str]
    images: Tensor
    labels: Tensor


def row_type(settings: SmoothingSettings) -> type[tuple]:
    """One image under one variant, noise seed, kernel and sigma: a named tuple of `rows.columns`.

    The classes of its views, the decision (or REJECTED), and for each view the probability of its class.
    """
    return namedtuple("Row", columns([view.name for view in settings.views]))


def sweep(
    items: Iterable[Item],
    load: Callable[[Item], Batch],
    scores: Scores,
    settings: SmoothingSettings,
    preprocessing: Preprocessing = Preprocessing(),  # noqa: B008 - frozen
    *,
    workers: int = 0,
) -> Iterator[list[tuple]]:
    """Rows (`row_type`) of every batch that `load` makes of the items, under every variant, seed, sigma and kernel.

    Each batch is loaded once for all of them, noise drawn once for all kernels, and a view that is not blurred
    classified once. `scores` is called with all views of a batch and variant and returns probabilities (n, K).
    At sigma 0, where there is no noise, and for variants other than the published one only the first seed is used.
    With `workers`, so many threads load images and make views ahead of the classifier. Raises SpuriousError, naming
    the image.
    """
    plans = [_Plan(name, settings, preprocessing) for name in settings.variants]

    def prepare(item: Item) -> tuple[Batch, list[Tensor]]:
        batch = load(item)
        return batch, [plan.views(batch) for plan in plans]

    for batch, prepared in _ahead(prepare, items, workers):
        yield [row for plan, views in zip(plans, prepared, strict=True) for row in plan.rows(batch, views, scores)]


class _Plan:
    """One variant under all noise seeds, sigmas and kernels that it is to meet."""

    def __init__(self, variant: str, settings: SmoothingSettings, preprocessing: Preprocessing):
        self.variant, self.kernels, self.row = variant, settings.kernels, row_type(settings)
        self.viewer = Viewer(preprocessing, settings, settings.variants[variant])
        first, *others = settings.seeds
        self.conditions = [(first, sigma) for sigma in settings.sigmas]
        if variant == PUBLISHED:
            self.conditions += [(seed, sigma) for seed in others for sigma in settings.sigmas if sigma]

    def views(self, batch: Batch) -> Tensor:
        """Views (conditions, N, V, C, h, w), V those of the viewer's passes."""
        return torch.stack([self.viewer.views(batch.images, batch.ids, sigma, seed) for seed, sigma in self.conditions])

    def rows(self, batch: Batch, views: Tensor, scores: Scores) -> Iterator[tuple]:
        """What `scores` makes of the views."""
        try:
            probabilities, classes = (result.view(views.shape[:3]) for result in scores(views.flatten(0, 2)).max(1))
        except SpuriousError as error:
            raise SpuriousError(f"image {batch.ids[0]}: {error}") from None
        for condition, classified, p in zip(self.conditions, classes, probabilities, strict=True):
            for kernel in self.kernels:
                voting = self.viewer.places(kernel)
                yield from self._kernel_rows(batch, condition, kernel, classified[:, voting], p[:, voting])

    def _kernel_rows(
        self, batch: Batch, condition: tuple[int, float], kernel: int, labels: Tensor, p: Tensor
    ) -> Iterator[tuple]:
        """Rows of the classes (N, views) and their probabilities, under one noise and kernel."""
        seed, sigma = condition
        numbers = torch.column_stack([batch.labels, labels, vote(labels.T)]).tolist()
        for name, (label, *voted), values in zip(batch.ids, numbers, p.tolist(), strict=True):
            rounded = [round(value, 6) for value in values]  # of a float32, more digits say nothing
            yield self.row(name, label, self.variant, seed, kernel, float(sigma), *voted, *rounded)


def _ahead(make: Callable[[Item], Prepared], items: Iterable[Item], workers: int) -> Iterator[Prepared]:
    """`make` of every item in order; with `workers`, threads work on as many items ahead, and no more are kept."""
    if not workers:
        yield from map(make, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        try:
            for item in items:
                waiting.append(pool.submit(make, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
