"""An attack that does not give up: many starts, objectives and sizes, until an image is found.

A search that starts from uniform noise may find nothing merely because the classifier is flat there. Noise of all kinds
comes first, a search by scores alone second, and real images last: what is found from noise would have been without
them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from spurious.attacks.apgd import ascend
from spurious.attacks.evolution import Goal, evolve, noise
from spurious.attacks.settings import EVOLUTION, FROM_NOISE, Budget, PersistentAttack
from spurious.attacks.within import Within
from spurious.attacks.worth import log_odds, margin
from spurious.modules import device_of, evaluating
from spurious.perturbations.noise_images import NOISE
from spurious.seeding import generator

# Functions of logits (n, K) and labels (n,) to what is raised, (n,). The direction of log odds is that of log p.
OBJECTIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "log_p": log_odds,
    "margin": margin,
    "logit": lambda logits, labels: logits.gather(1, labels[:, None])[:, 0],
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is searched: an image of each of `labels` (N,). `others` (N, C, H, W) are real images of other classes.

    `averages` (N, C, H, W) are of training images of the label.
    """

    labels: Tensor
    others: Tensor
    averages: Tensor


@dataclass(kw_only=True)
class Persistence:
    """The best image of each search so far: images (N, C, H, W), p (N,) of the label, and what led to it.

    `tried` (N,) counts the starts, `flat` (N,) those at which the gradient of log p is exactly 0.
    """

    images: Tensor
    p: Tensor
    tried: Tensor
    flat: Tensor
    start: list[str]
    objective: list[str]
    above: float

    def left(self) -> Tensor:
        """Places (n,) of the searches that have found no image."""
        return (self.p <= self.above).nonzero()[:, 0]

    def keep(self, places: Tensor, images: Tensor, p: Tensor, start: str, objective: str) -> None:
        """Take the images (n, C, H, W) of these places whose p (n,) is higher than what there is."""
        better = p > self.p[places]
        self.images[places[better]], self.p[places[better]] = images[better], p[better]
        for place in places[better].tolist():
            self.start[place], self.objective[place] = start, objective


def persist(
    model: nn.Module,
    wanted: Wanted,
    settings: PersistentAttack,
    *,
    above: float,
    seed: int | str,
    on_starts: Callable[[int, int], object] = lambda done, total: None,
) -> Persistence:
    """Search an image of every label that `model` gives more than `above`, and keep the best of each.

    A search ends with its first image above; the others go on with the next start, size and objective. `model` gives
    logits (n, K); it is used in evaluation mode. Images and p are on the CPU, p is that of one last look at them.
    `on_starts` is told how many more starts are done with, and how many there are.
    """
    device = device_of(model)
    labels, count = wanted.labels.to(device), len(wanted.labels)
    found = Persistence(
        images=wanted.others.to(device, copy=True),
        p=torch.full((count,), -1.0, device=device),
        **{name: torch.zeros(count, dtype=torch.long, device=device) for name in ("tried", "flat")},
        **{name: [""] * count for name in ("start", "objective")},
        above=above,
    )
    total, done = number_of_starts(settings), 0
    with evaluating(model):
        for done, (start, begin) in enumerate(_starts(wanted, settings, seed)):
            on_starts(min(done, 1), total)  # the one before
            places = found.left()
            if not len(places):
                break
            if start == EVOLUTION:
                images = _evolved(model, wanted, places.cpu(), settings, above, seed).to(device)
                found.keep(places, images, _p(model, images, labels[places]), start, "scores")
                continue
            begin = begin.to(device)
            found.tried[places] += 1
            found.flat[places] += _is_flat(model, begin[places], labels[places])
            for size, objective in product(settings.sizes, settings.objectives):
                places = found.left()
                images = _ascended(model, begin[places], labels[places], size, objective, settings.steps, above)
                found.keep(places, images, _p(model, images, labels[places]), start, objective)
    on_starts(total - done, total)
    found.images, found.p = found.images.cpu(), found.p.cpu()
    return found


def number_of_starts(settings: PersistentAttack) -> int:
    """How many starts there are to try: of noise, by scores alone, and of images."""
    of_noise = settings.restarts * sum(name != EVOLUTION for name in FROM_NOISE)
    return of_noise + (settings.max_queries > 0) + 2


def _starts(wanted: Wanted, settings: PersistentAttack, seed: int | str) -> Iterator[tuple[str, Tensor]]:
    """The starts (N, C, H, W) by name, in the order in which they are tried."""
    for number, name in product(range(settings.restarts), FROM_NOISE):
        if name != EVOLUTION:
            yield name, NOISE[name](wanted.others, generator(seed, "persistent", name, number))
    if settings.max_queries:
        yield EVOLUTION, wanted.others
    yield "other classes", wanted.others
    yield "averages", wanted.averages


def _ascended(
    model: nn.Module, begin: Tensor, labels: Tensor, size: float, objective: str, steps: int, above: float
) -> Tensor:
    def evaluate(images: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        logits = model(images)
        return OBJECTIVES[objective](logits, labels[places]), _p_of(logits.detach(), labels[places]) > above

    return ascend(evaluate, begin, begin, Within(norm="linf", epsilon=size), steps).images


def _evolved(
    model: nn.Module, wanted: Wanted, places: Tensor, settings: PersistentAttack, above: float, seed: int | str
) -> Tensor:
    """What an evolution from noise finds, which sees probabilities alone."""
    ids: Sequence[int] = places.tolist()
    budget = Budget(population=settings.population, max_queries=settings.max_queries)
    goal = Goal(classes=wanted.labels[places], above=above)
    box = noise(ids, tuple(wanted.others.shape[1:]), f"{seed}, evolution")

    @torch.inference_mode()
    def scores(images: Tensor) -> Tensor:
        return torch.cat([model(part.to(device_of(model))).float().softmax(1).cpu() for part in images.split(500)])

    return evolve(scores, box, goal, ids, budget, seed=f"{seed}, evolution").images


@torch.no_grad()
def _p(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return _p_of(model(images), labels)


def _p_of(logits: Tensor, labels: Tensor) -> Tensor:
    """p (n,) of the labels (n,) by a softmax: `classifiers.predictions`, which checks logits, is above attacks."""
    return logits.float().softmax(1).gather(1, labels[:, None])[:, 0]


def _is_flat(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """(n,) bool: whether the gradient of log p on the pixels is exactly 0."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        log_p = model(images).float().log_softmax(1).gather(1, labels[:, None])
        (gradients,) = torch.autograd.grad(log_p.sum(), images)
    return (gradients == 0).flatten(1).all(1)
