"""MAP-Elites with a direct encoding: noise that evolves towards all classes at once, by scores alone."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.attacks.settings import MapElites
from spurious.seeding import generator

RATE, HALVED_AFTER = 0.1, 1000  # probability that a pixel is mutated; generations after which it is half as large
STRENGTH = 15  # of the polynomial mutation: larger ones change less


def map_elites(
    scores: Scores,
    shape: tuple[int, int, int],
    settings: MapElites,
    seed: int | str,
    on_queries: Callable[[int], object] = lambda judged: None,
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """(generation, images (K, C, H, W), p (K,)) of the elites, the best of each class, after `settings.generations`.

    The first population is noise U[0, 1]. Each generation is a population of children of elites, drawn uniformly. All
    classes' p of a child are seen; it becomes the elite of every class of which it has the highest. `on_queries` is
    told how many more images were judged. Nguyen, Yosinski and Clune, "Deep neural networks are easily fooled", CVPR
    (2015), section 2.2: direct encoding, RATE, HALVED_AFTER and STRENGTH are theirs. The algorithm is that of Mouret
    and Clune, "Illuminating search spaces by mapping elites" (2015), without crossover.
    """
    draw = generator(seed, "map-elites")
    children = torch.rand(settings.population, *shape, generator=draw)
    p, place = scores(children).max(0)
    elites = children[place]
    on_queries(len(children))
    for number in range(1, max(settings.generations) + 1):
        parents = elites[torch.randint(len(elites), (settings.population,), generator=draw)]
        children = mutated(parents, RATE * 0.5 ** ((number - 1) // HALVED_AFTER), draw)
        best, place = scores(children).max(0)
        better = best > p
        elites[better], p[better] = children[place[better]], best[better]
        on_queries(len(children))
        if number in settings.generations:
            yield number, elites.clone(), p.clone()


def map_elites_runs(
    scores: Scores,
    shape: tuple[int, int, int],
    settings: MapElites,
    seed: int | str,
    on_queries: Callable[[int], object] = lambda judged: None,
) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """(run, generation, images, p) of all `settings.runs`, one after the other; each as of `map_elites`.

    A run's seed is "<seed>, run <number>", counted from 0; `on_queries` is called with how many images were
    judged, `settings.queries` in all.
    """
    for run in range(settings.runs):
        for found in map_elites(scores, shape, settings, f"{seed}, run {run}", on_queries):
            yield run, *found


def mutated(images: Tensor, rate: float, draw: torch.Generator) -> Tensor:
    """Images (N, C, H, W) in [0, 1] with each pixel changed at this rate, by a polynomial mutation of STRENGTH.

    Deb, "Multi-objective optimization using evolutionary algorithms" (2001), section 4.1; kept in [0, 1].
    """
    u = torch.rand(images.shape, generator=draw)
    power = 1 / (STRENGTH + 1)
    change = torch.where(u < 0.5, (2 * u) ** power - 1, 1 - (2 * (1 - u)) ** power)
    chosen = torch.rand(images.shape, generator=draw) < rate
    return torch.where(chosen, images + change, images).clamp(0, 1)
