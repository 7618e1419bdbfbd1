"""Searches for images that fool a classifier of which only the class scores are seen: evolution, and random search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.attacks.settings import Budget
from spurious.errors import SpuriousError
from spurious.perturbations.starts import attack_starts
from spurious.seeding import Id, generator

SMALLEST = torch.finfo(torch.float32).tiny  # a forest gives exact zeros, which have no logarithm
PRESSURE = 4.0  # the best of a population becomes a parent about e^4 times as often as the last
CELLS = 2**24  # pixels of the populations that are at hand at once: 64 MiB for each copy
REACHED = 1e3  # more than any fitness: what reaches the goal ranks before what does not
LEVELS = 2**14  # of a random number that decides whether a pixel is changed


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where searches may go: every pixel from `low` to `high`, both (N, C, H, W) float32.

    `first` (N, C, H, W) is the first candidate of every search, None where it is drawn as the others are. A candidate
    is drawn from the corners of the box (nothing in it is further from its middle), or uniformly.
    """

    low: Tensor
    high: Tensor
    corners: bool
    first: Tensor | None = None


def ball(images: Tensor, epsilon: float) -> Box:
    """All images in [0, 1] within epsilon (L-infinity) of `images` (N, C, H, W)."""
    images = images.detach()
    return Box(low=(images - epsilon).clamp_(0, 1), high=(images + epsilon).clamp_(0, 1), corners=True)


def noise(ids: Sequence[Id], shape: tuple[int, int, int], seed: int | str) -> Box:
    """All images in [0, 1]; the searches start from noise U[0, 1]."""
    first = attack_starts("noise", ids, torch.empty(1, *shape), seed)
    return Box(low=torch.zeros_like(first), high=torch.ones_like(first), corners=False, first=first)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a search wants of probabilities: the decision for `classes` (N,), or another one than it (untargeted).

    With `above` it wants p of the class above that instead.
    """

    classes: Tensor
    kind: Literal["targeted", "untargeted"] = "targeted"
    above: float | None = None

    def fitness(self, probabilities: Tensor, searches: Tensor) -> Tensor:
        """log p(class) - log p(largest other) of (S, n, K), or its opposite, (S, n); `searches` (S,) says whose."""
        own, other = self._own_and_other(probabilities, searches)
        margin = own.clamp(min=SMALLEST).log() - other.clamp(min=SMALLEST).log()
        return margin if self.kind == "targeted" else -margin

    def reached(self, probabilities: Tensor, searches: Tensor) -> Tensor:
        """(S, n) bool: whether the goal is reached."""
        if self.above is not None:
            return self._own_and_other(probabilities, searches)[0] > self.above
        decided = probabilities.argmax(-1) == self.classes[searches, None]
        return decided if self.kind == "targeted" else ~decided

    def _own_and_other(self, probabilities: Tensor, searches: Tensor) -> tuple[Tensor, Tensor]:
        place = self.classes[searches, None, None].expand(*probabilities.shape[:2], 1)
        return probabilities.gather(-1, place)[..., 0], probabilities.scatter(-1, place, -1.0).amax(-1)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What searches ended with.

    images (N, C, H, W): the best of each. queries (N,): how many images it had judged. reached (N,): whether its goal
    was reached. flat (N,): the share of its generations in which all candidates were equally fit, so that the scores
    gave nothing to select by; a single child is compared with the one that is kept. A generation of one candidate with
    nothing beside it does not count.
    """

    images: Tensor
    queries: Tensor
    reached: Tensor
    flat: Tensor


def evolve(
    scores: Scores,
    box: Box,
    goal: Goal,
    ids: Sequence[Id],
    budget: Budget,
    *,
    method: Literal["evolution", "random"] = "evolution",
    seed: int | str,
    together: int | None = None,
    whole_budget: bool = False,
    on_queries: Callable[[int], object] = lambda settled: None,
) -> Found:
    """Search the box of every id (N of them) for an image that reaches its goal, seeing `scores` only.

    Evolution after Alzantot et al., "GenAttack: practical black-box attacks with gradient-free optimization" (2019),
    and from noise Nguyen et al., "Deep neural networks are easily fooled" (2015), direct encoding. A generation keeps
    its fittest image, which is not judged again. Parents are drawn by rank (the weight falls exponentially), a child
    has each pixel from one of two, and with the mutation rate one of the box's ends instead. Of equals the newer ranks
    first, so that on a plateau the population drifts. The random search draws every candidate as the first ones are
    drawn. Each generation of all searches that still run is one call of `scores`; `together` limits how many searches
    that are (None: as fit into memory). A search that has reached its goal is not judged again, unless it spends its
    `whole_budget` to get the largest margin. Its randomness derives from (seed, id): the result does not depend on
    which others run beside it. After every generation `on_queries` is told how many more queries are settled: judged,
    or spared by a search that has ended; in the end these are N times the budget.
    """
    if not len(ids) == len(goal.classes) == len(box.low):
        raise SpuriousError(f"{len(box.low)} images, {len(ids)} ids and {len(goal.classes)} classes; give one for each")
    together = together or max(1, CELLS // (budget.population * max(1, box.low[:1].numel())))
    parts = []
    for part in torch.arange(len(ids)).split(together):
        generators = [generator(seed, method, ids[number]) for number in part]
        own = replace(goal, classes=goal.classes[part])
        place = replace(box, **{name: value[part] for name, value in vars(box).items() if isinstance(value, Tensor)})
        searches = _Searches(place, own, budget, method == "evolution", generators, whole_budget)
        parts.append(searches.run(scores, on_queries))
    return Found(**{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Found)})


class _Searches:
    """N searches side by side. S of them still run, with P kept candidates of D pixels each, the fittest first."""

    def __init__(
        self,
        box: Box,
        goal: Goal,
        budget: Budget,
        evolves: bool,
        generators: list[torch.Generator],
        goes_on: bool = False,
    ):
        self.box, self.goal, self.budget, self.evolves, self.generators = box, goal, budget, evolves, generators
        self.goes_on = goes_on  # after its goal is reached
        self.low, self.high = box.low.flatten(1), box.high.flatten(1)
        count = len(generators)
        self.live = torch.arange(count)
        self.kept, self.fitness = torch.empty(count, 0, self.low.shape[1]), torch.empty(count, 0)
        self.images = box.low.clone()
        self.queries, self.generations, self.compared, self.flat = torch.zeros(4, count).unbind()
        self.reached = torch.zeros(count, dtype=torch.bool)

    def run(self, scores: Scores, on_queries: Callable[[int], object]) -> Found:
        """Generation after generation, until the budget is spent, or all goals are reached where that is the end."""
        used = settled = 0
        while len(self.live) and used < self.budget.max_queries:
            children = self._children(self.budget.max_queries - used)
            used += children.shape[1]
            images = children.reshape(-1, *self.images.shape[1:])
            self._judge(children, scores(images).unflatten(0, children.shape[:2]))
            before, settled = settled, self._settled(used)
            on_queries(settled - before)
        flat = self.flat / self.compared.clamp(min=1)
        return Found(images=self.images, queries=self.queries.long(), reached=self.reached, flat=flat)

    def _settled(self, used: int) -> int:
        """Queries that are judged, or that searches which have ended will not need, once each has had `used` turns."""
        ended = len(self.generators) - len(self.live)
        return ended * self.budget.max_queries + len(self.live) * used

    def _children(self, left: int) -> Tensor:
        """The next candidates of every search that runs (S, n, D), at most as many as there are queries left."""
        elite = min(1, self.kept.shape[1]) if self.evolves else 0
        count = min(self.budget.population - elite, left)
        if elite:
            return self._bred(count)
        fresh = self._fresh(count)
        if self.box.first is not None and not self.generations.any():
            fresh[:, 0] = self.box.first.flatten(1)
        return fresh

    def _fresh(self, count: int) -> Tensor:
        """Candidates (S, count, D) drawn from the whole box."""
        drawn = self._drawn(lambda own: torch.rand(count, self.low.shape[1], generator=own))
        low, high = self._ends()
        return torch.where(drawn < 0.5, low, high) if self.box.corners else low + (high - low) * drawn

    def _bred(self, count: int) -> Tensor:
        """Children (S, count, D) of the kept candidates."""
        size = self.kept.shape[1]
        weights = torch.exp(-PRESSURE / size * torch.arange(size)).cumsum(0)
        ranks = self._drawn(lambda own: torch.rand(2, count, generator=own)) * weights[-1]
        parents = torch.searchsorted(weights, ranks).clamp_(max=size - 1)
        searches = torch.arange(len(self.live))[:, None]
        first, second = (self.kept[searches, parents[:, place]] for place in (0, 1))
        bits = self._drawn(lambda own: _random_bits(count, self.low.shape[1], own))
        children = torch.where((bits & 1).bool(), first, second)
        changed = (bits >> 2) & (LEVELS - 1) < max(1, round(self.budget.mutation_rate * LEVELS))
        return torch.where(changed, torch.where((bits & 2).bool(), *self._ends()), children)

    def _judge(self, children: Tensor, probabilities: Tensor) -> None:
        """Rank the children (S, n, D) among the kept by their probabilities (S, n, K), and end what has reached."""
        fitness, reached = self.goal.fitness(probabilities, self.live), self.goal.reached(probabilities, self.live)
        self.queries[self.live] += children.shape[1]
        self.generations[self.live] += 1
        self._compare(fitness)
        elite = 1 if self.evolves else self.kept.shape[1]
        candidates = torch.cat([children, self.kept[:, :elite]], 1)
        self.fitness = torch.cat([fitness + REACHED * reached, self.fitness[:, :elite]], 1)
        order = self.fitness.sort(dim=1, descending=True, stable=True).indices
        order = order[:, : self.budget.population if self.evolves else 1]
        self.fitness = self.fitness.gather(1, order)
        self.kept = candidates[torch.arange(len(self.live))[:, None], order]
        self.images[self.live] = self.kept[:, 0].unflatten(1, self.images.shape[1:])
        done = reached.any(1)
        self.reached[self.live] |= done
        if self.goes_on:
            return
        self.live, self.kept, self.fitness = self.live[~done], self.kept[~done], self.fitness[~done]

    def _compare(self, fitness: Tensor) -> None:
        """Count the searches of whose candidates, with their fitness (S, n), none is fitter than another."""
        if fitness.shape[1] == 1 and self.evolves:
            fitness = torch.cat([fitness, self.fitness[:, :1]], 1)
        if fitness.shape[1] > 1:
            self.compared[self.live] += 1
            self.flat[self.live] += fitness.amax(1) == fitness.amin(1)

    def _drawn(self, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        """What `draw` makes of the generator of every search that runs, (S, ...)."""
        return torch.stack([draw(self.generators[place]) for place in self.live])

    def _ends(self) -> tuple[Tensor, Tensor]:
        """The smallest and the largest value of every pixel, (S, 1, D) each."""
        return self.low[self.live, None], self.high[self.live, None]


def _random_bits(count: int, pixels: int, own: torch.Generator) -> Tensor:
    """Sixteen random bits for every pixel (count, pixels), int16: four pixels share one draw, which is what costs."""
    words = torch.empty(-(-count * pixels // 4), dtype=torch.int64).random_(-(2**63), None, generator=own)
    return words.view(torch.int16)[: count * pixels].view(count, pixels)
