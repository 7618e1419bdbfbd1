"""Search by scores: whole populations of all searches at once, against one candidate at a time.

Ours is the whole search, breeding included; one at a time is the judging alone, of a part of the candidates, so that it
is shown better than it is. Images are made up, which changes the depth of a forest but not the order of the times.
"""

from collections.abc import Iterator
from pathlib import Path

import torch

from measuring import Row, median_seconds
from spurious.attacks.evolution import Budget, Goal, evolve, noise
from spurious.attacks.scores import Scores
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.classifiers.scikit_learn import fit, scores_of
from spurious.seeding import generator

SHAPE = (1, 28, 28)
SEARCHES, PART = 50, 100  # PART candidates are judged one at a time
BUDGET = Budget(population=20, max_queries=210, mutation_rate=0.05)  # 20 + 10 generations of 19


def rows(root: Path) -> Iterator[Row]:
    """Microseconds for each query of a forest and of the CNN."""
    torch.set_num_threads(1)
    for name, scores in (("forest", forest()), ("cnn", network())):
        ours = median_seconds(lambda scores=scores: evolve_all(scores), repeat=3) / (SEARCHES * BUDGET.max_queries)
        single = median_seconds(lambda scores=scores: one_by_one(scores), repeat=3) / PART
        unit = f"us per query, one core, {SEARCHES} searches"
        yield Row(f"evolution against a {name}, populations at once", 1e6 * ours, 1e6 * single, single / ours, unit)


def evolve_all(scores: Scores) -> None:
    """All searches, none of which can succeed: every one spends its budget."""
    goal = Goal(classes=torch.arange(SEARCHES) % 10, above=1.0)
    found = evolve(scores, noise(range(SEARCHES), SHAPE, 0), goal, range(SEARCHES), BUDGET, seed=0)
    assert (found.queries == BUDGET.max_queries).all()


def one_by_one(scores: Scores) -> None:
    """Candidates judged one at a time."""
    for image in torch.rand(PART, *SHAPE, generator=generator("benchmark candidates")):
        scores(image[None])


def forest() -> Scores:
    """100 trees, fitted to made-up images in which another block is bright in each class."""
    labels = torch.arange(2000) % 10
    images = torch.rand(len(labels), *SHAPE, generator=generator("benchmark forest"))
    images[torch.arange(len(labels)), 0, 2 * labels] += 0.3
    return scores_of(fit({"scikit_learn": "forest", "trees": 100}, images.clamp_(0, 1), labels, 0))


def network() -> Scores:
    """The CNN of MNIST, untrained."""
    model = build_classifier(Description(architecture="cnn", image_shape=SHAPE, classes=10))
    initialize(model, "pytorch", generator("benchmark network"))
    return scores_of(model.eval().requires_grad_(False))
