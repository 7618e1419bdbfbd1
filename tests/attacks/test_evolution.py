"""Search by scores alone: against brute force, with every query counted, and where nothing can be fooled."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spurious.attacks import evolution
from spurious.attacks.evolution import Box, Budget, Goal, ball, evolve, noise
from spurious.classifiers.models import SoftmaxRegression, initialize
from spurious.classifiers.scikit_learn import scores_of
from spurious.errors import SpuriousError
from spurious.experiments.black_box.rows import search_rows
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

BUDGET = Budget(population=8, max_queries=100, mutation_rate=0.2)
IDS = [3, 1, 4, 15, 9, 2]


class Counting:
    """Scores that remember how many images each call brought."""

    def __init__(self, scores):
        self.scores, self.calls = scores, []

    def __call__(self, images):
        self.calls.append(len(images))
        return self.scores(images)


def linear(seed=0, shape=(1, 3, 3), classes=3, scale=4.0):
    model = SoftmaxRegression(shape, classes)
    initialize(model, "pytorch", generator(seed, "initialization"))
    model.out.weight.data *= scale
    return scores_of(model.eval().requires_grad_(False))


def images(count=6, shape=(1, 3, 3)):
    return torch.rand(count, *shape, generator=generator("images", count))


def constant(images):
    """As sure of class 0 of everything."""
    return torch.tensor([0.6, 0.4, 0.0]).expand(len(images), 3)


def other_class(scores, pictures):
    return Goal(classes=(scores(pictures).argmax(1) + 1) % 3)


def equal(first, second):
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in ("images", "queries", "reached"))


# --- what it finds


@pytest.mark.parametrize("kind", ["targeted", "untargeted"])
def test_evolution_reaches_what_brute_force_reaches(kind):
    """9 pixels: of a linear classifier a corner of the ball is the best image, and there are 512."""
    corners = torch.tensor(list(itertools.product([False, True], repeat=9))).view(512, 1, 3, 3)
    budget = Budget(population=20, max_queries=3000, mutation_rate=0.1)
    pictures, every = images(), []
    for seed, epsilon in itertools.product([0, 1, 2], [0.05, 0.15, 0.3]):
        scores, box = linear(seed, scale=1.5), ball(pictures, epsilon)
        labels = scores(pictures).argmax(1)
        goal = Goal(classes=(labels + 1) % 3 if kind == "targeted" else labels, kind=kind)
        possible = []
        for place in range(len(IDS)):
            decided = scores(torch.where(corners, box.high[place], box.low[place])).argmax(1)
            wanted = decided == goal.classes[place]
            possible.append(bool((wanted if kind == "targeted" else ~wanted).any()))
        assert evolve(scores, box, goal, IDS, budget, seed=0).reached.tolist() == possible
        every += possible
    assert 5 < sum(every) < len(every) - 5


def test_evolution_climbs_where_chance_does_not():
    """The mean of 100 pixels must be high: random images stay near a half, selection does not."""

    def mean_is_high(batch):
        p = batch.flatten(1).mean(1)
        return torch.stack([1 - p, p], 1)

    box = noise(IDS, (1, 10, 10), 0)
    goal = Goal(classes=torch.ones(len(IDS), dtype=torch.long), above=0.8)
    budget = Budget(population=20, max_queries=2000, mutation_rate=0.05)
    evolved = evolve(mean_is_high, box, goal, IDS, budget, seed=0)
    drawn = evolve(mean_is_high, box, goal, IDS, budget, method="random", seed=0)
    assert evolved.reached.all()
    assert not drawn.reached.any()
    assert (drawn.queries == 2000).all()
    assert (mean_is_high(evolved.images)[:, 1] > 0.8).all()


def test_nothing_of_a_history_of_gradients_is_handed_on():
    goal = Goal(classes=torch.tensor([1]))
    tracked, plain = (
        evolve(constant, ball(start, 0.5), goal, [0], BUDGET, seed=0).images
        for start in (images(1).requires_grad_(), images(1))
    )
    assert not tracked.requires_grad
    assert torch.equal(tracked, plain)


@pytest.mark.parametrize("method", ["evolution", "random"])
def test_a_constant_classifier_is_never_fooled(method):
    scores = Counting(constant)
    goal = Goal(classes=torch.tensor([1, 2, 1, 2, 1, 2]))
    found = evolve(scores, ball(images(), 0.5), goal, IDS, BUDGET, method=method, seed=0)
    assert not found.reached.any()
    assert found.queries.tolist() == [100] * len(IDS)
    assert found.flat.tolist() == [1.0] * len(IDS)
    assert sum(scores.calls) == 100 * len(IDS)


def coarse(images):
    """p of class 1 from the mean pixel, in steps of .1: many candidates are equally fit."""
    p = images.flatten(1).mean(1).mul(10).round() / 10
    return torch.stack([1 - p, p], 1)


@pytest.mark.parametrize(("population", "queries"), [(2, 100), (4, 100), (4, 101), (4, 102), (7, 100)])
def test_flat_is_the_share_of_generations_without_a_difference(population, queries):
    """A single child, which there is in all generations of 2, or in the last, is compared with what is kept."""
    generations = []

    def watched(batch):
        generations.append(coarse(batch)[:, 1])
        return coarse(batch)

    budget = Budget(population=population, max_queries=queries, mutation_rate=0.2)
    goal = Goal(classes=torch.tensor([1]), above=0.99)
    found = evolve(watched, ball(torch.full((1, 1, 4, 4), 0.4), 0.2), goal, [0], budget, seed=0)
    best, flat = generations[0].max(), [len(set(generations[0].tolist())) == 1]
    for children in generations[1:]:
        values = {*children.tolist(), *([best.item()] if len(children) == 1 else [])}
        flat.append(len(values) == 1)
        best = torch.maximum(best, children.max())
    assert found.flat.item() == pytest.approx(sum(flat) / len(flat))
    assert 0 < sum(flat) < len(flat)


def test_a_generation_of_one_with_nothing_to_compare_is_not_flat():
    """Random search with one query left, and one query in all."""
    goal = Goal(classes=torch.tensor([1]), above=0.99)
    halves = 0.5 ** torch.arange(1, 17)  # no two corners have one sum

    def all_different(batch):
        p = (batch.flatten(1) * halves).sum(1)
        return torch.stack([1 - p, p], 1)

    for queries in (3, 1):
        budget = Budget(population=2, max_queries=queries, mutation_rate=0.2)
        box = ball(torch.full((1, 1, 4, 4), 0.4), 0.2)
        assert evolve(all_different, box, goal, [0], budget, method="random", seed=0).flat.tolist() == [0]


def test_of_equals_the_newer_ranks_first():
    """A population of 3, then 2 children beside the kept one, all equally fit: the first child is the best."""
    generations = []

    def watched(batch):
        generations.append(batch)
        return constant(batch)

    budget = Budget(population=3, max_queries=5, mutation_rate=0.5)
    found = evolve(watched, ball(images(1), 0.3), Goal(classes=torch.tensor([1])), [0], budget, seed=0)
    assert [len(batch) for batch in generations] == [3, 2]
    assert torch.equal(found.images[0], generations[1][0])
    assert not any(torch.equal(found.images[0], other) for other in generations[0])


@pytest.mark.parametrize("method", ["evolution", "random"])
def test_the_random_search_finds_by_luck_what_is_everywhere(method):
    found = evolve(
        constant, ball(images(), 0.1), Goal(classes=torch.zeros(6).long()), IDS, BUDGET, method=method, seed=0
    )
    assert found.reached.all()
    assert found.queries.tolist() == [8] * 6


def test_exact_zeros_have_a_finite_fitness_and_order():
    goal = Goal(classes=torch.tensor([2]))
    p = torch.tensor([[[1.0, 0, 0], [0.5, 0.5, 0], [0.9, 0, 0.1], [0, 0, 1.0]]])
    fitness = goal.fitness(p, torch.tensor([0]))
    assert fitness.isfinite().all()
    assert fitness.argsort().tolist() == [[0, 1, 2, 3]]
    assert fitness[0, 2].item() == pytest.approx(math.log(0.1 / 0.9))
    opposite = Goal(classes=torch.tensor([2]), kind="untargeted").fitness(p, torch.tensor([0]))
    assert torch.equal(opposite, -fitness)


def test_goals_by_hand():
    p, first = torch.tensor([[[0.2, 0.5, 0.3], [0.05, 0.0, 0.95]]]), torch.tensor([0])
    assert Goal(classes=torch.tensor([1])).reached(p, first).tolist() == [[True, False]]
    assert Goal(classes=torch.tensor([1]), kind="untargeted").reached(p, first).tolist() == [[False, True]]
    assert Goal(classes=torch.tensor([2]), above=0.9).reached(p, first).tolist() == [[False, True]]
    assert Goal(classes=torch.tensor([2]), above=0.95).reached(p, first).tolist() == [[False, False]]


def test_an_image_that_reaches_the_goal_ranks_before_fitter_ones_that_do_not():
    """p .91 of the target beside a single rival reaches .9; p .89 among many small ones is fitter and does not."""
    candidates = iter([[0.91, 0.09, 0.0], [0.89, 0.055, 0.055]])

    def scores(batch):
        return torch.tensor([next(candidates) for _ in batch])

    budget = Budget(population=2, max_queries=2, mutation_rate=0.1)
    box = noise([0], (1, 2, 2), 0)
    found = evolve(scores, box, Goal(classes=torch.tensor([0]), above=0.9), [0], budget, seed=0)
    assert found.reached.all()
    assert torch.equal(found.images, box.first)


# --- where it goes


@settings(max_examples=60)
@given(
    epsilon=st.floats(0.01, 2),
    population=st.integers(2, 9),
    queries=st.integers(1, 60),
    rate=st.floats(1e-4, 1),
    method=st.sampled_from(["evolution", "random"]),
)
def test_everything_that_is_judged_lies_in_the_ball(epsilon, population, queries, rate, method):
    pictures = images()
    scores = linear()
    seen = []

    def watched(batch):
        seen.append(batch)
        return scores(batch)

    budget = Budget(population=population, max_queries=queries, mutation_rate=rate)
    found = evolve(watched, ball(pictures, epsilon), other_class(scores, pictures), IDS, budget, method=method, seed=0)
    assert (found.images - pictures).abs().max() <= epsilon + 1e-6
    for batch in [*seen, found.images]:
        assert batch.min() >= 0
        assert batch.max() <= 1
    first = seen[0].unflatten(0, (len(IDS), -1))
    assert (first - pictures[:, None]).abs().max() <= epsilon + 1e-6
    assert (found.queries <= queries).all()
    decided = scores(found.images).argmax(1) == other_class(scores, pictures).classes
    assert torch.equal(decided, found.reached)


def test_random_search_draws_what_evolution_begins_with():
    """Corners of the ball, each pixel either end about equally often; noise all over [0, 1]."""
    pictures = torch.full((1, 1, 40, 40), 0.5)
    budget = Budget(population=4, max_queries=8, mutation_rate=0.1)
    seen = []

    def watched(batch):
        seen.append(batch)
        return constant(batch)

    evolve(watched, ball(pictures, 0.25), Goal(classes=torch.tensor([1])), [0], budget, method="random", seed=0)
    drawn = torch.cat(seen)
    assert set(drawn.unique().tolist()) == {0.25, 0.75}
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    assert not torch.equal(seen[0], seen[1])
    seen.clear()
    evolve(watched, noise([0], (1, 40, 40), 0), Goal(classes=torch.tensor([1])), [0], budget, method="random", seed=0)
    histogram = torch.histc(torch.cat(seen), 10, 0, 1) / torch.cat(seen).numel()
    assert (histogram - 0.1).abs().max() < 0.01


def test_children_have_each_pixel_from_a_parent_or_from_an_end():
    """Two candidates, all 0.25 and all 0.75, mutated with a known rate to 0 or 1."""
    rate = 0.1
    high = torch.ones(1, 1, 100, 100)
    box = Box(low=torch.zeros_like(high), high=high, corners=False, first=None)
    budget = Budget(population=2, max_queries=100, mutation_rate=rate)
    own = evolution._Searches(box, Goal(classes=torch.tensor([1])), budget, True, [generator(0)])
    own.kept = torch.stack([torch.full((10000,), 0.25), torch.full((10000,), 0.75)])[None]
    own.fitness = torch.zeros(1, 2)
    child = own._bred(400)[0]
    shares = [(child == value).float().mean().item() for value in (0, 1)]
    assert shares == pytest.approx([rate / 2, rate / 2], abs=1e-3)
    mixed = child[((child == 0.25).any(1)) & ((child == 0.75).any(1))]
    best = 1 / (1 + math.exp(-evolution.PRESSURE / 2))  # how often the first becomes a parent
    assert len(mixed) / 400 == pytest.approx(2 * best * (1 - best), abs=0.06)  # the others have one parent twice
    kept = mixed[(mixed == 0.25) | (mixed == 0.75)]
    assert kept.mean().item() == pytest.approx(0.5, abs=2e-3)


# --- what it costs


@pytest.mark.parametrize("method", ["evolution", "random"])
@pytest.mark.parametrize("together", [None, 1, 4])
def test_queries_are_counted_one_by_one(method, together):
    counted, pictures = Counting(linear()), images()
    goal = other_class(counted.scores, pictures)
    found = evolve(counted, ball(pictures, 0.2), goal, IDS, BUDGET, method=method, seed=0, together=together)
    assert sum(counted.calls) == found.queries.sum().item()
    assert 0 < found.reached.sum() < len(IDS)
    assert found.queries[~found.reached].tolist() == [100] * int((~found.reached).sum())
    if together is None:
        assert counted.calls[0] == 8 * len(IDS)  # whole populations of all searches in one call
        assert len(counted.calls) <= 1 + math.ceil(92 / 7)


@pytest.mark.parametrize("queries", [1, 7, 8, 9, 15, 16])
@pytest.mark.parametrize("method", ["evolution", "random"])
def test_a_budget_is_used_up_to_the_last_query(queries, method):
    counted = Counting(constant)
    budget = Budget(population=8, max_queries=queries, mutation_rate=0.1)
    goal = Goal(classes=torch.tensor([1]))
    found = evolve(counted, ball(images(1), 0.1), goal, [0], budget, method=method, seed=0)
    assert sum(counted.calls) == found.queries.item() == queries


def test_what_has_succeeded_is_not_judged_again():
    """Every image of the first search succeeds at once, none of the second."""

    counted = Counting(constant)
    evolve(counted, ball(images(2), 0.1), Goal(classes=torch.tensor([0, 1])), [0, 1], BUDGET, seed=0)
    assert counted.calls[0] == 16
    assert set(counted.calls[1:-1]) == {7}


# --- what it must not depend on


@pytest.mark.parametrize("method", ["evolution", "random"])
def test_a_search_does_not_depend_on_those_beside_it(method):
    scores, pictures = linear(), images()
    goal = other_class(scores, pictures)

    def run(order, together=None):
        box = ball(pictures[order], 0.2)
        own = Goal(classes=goal.classes[order])
        ids = [IDS[place] for place in order]
        return evolve(scores, box, own, ids, BUDGET, method=method, seed=0, together=together)

    everything = run(list(range(6)))
    for together in (1, 2, 5):
        assert equal(run(list(range(6)), together), everything)
    for place in range(6):
        alone = run([place])
        assert torch.equal(alone.images[0], everything.images[place])
        assert alone.queries[0] == everything.queries[place]
    backwards = run([5, 4, 3, 2, 1, 0])
    assert torch.equal(backwards.images.flip(0), everything.images)


def test_seed_and_id_decide_everything():
    scores, pictures = linear(), images(2)
    pictures[1] = pictures[0]
    box, goal = ball(pictures, 0.1), Goal(classes=torch.tensor([1, 1]))
    goal = Goal(classes=(scores(pictures).argmin(1)))

    def run(ids, seed):
        return evolve(scores, box, goal, ids, BUDGET, seed=seed).images

    assert torch.equal(run([0, 1], 0), run([0, 1], 0))
    assert not torch.equal(run([0, 1], 0), run([0, 1], 1))
    assert not torch.equal(*run([0, 1], 0))
    assert torch.equal(*run([7, 7], 0))


def test_random_bits_are_fair_and_independent():
    bits = evolution._random_bits(5, 2001, generator(0))
    assert bits.shape == (5, 2001)
    shares = [((bits >> place) & 1).float().mean().item() for place in range(16)]
    assert shares == pytest.approx([0.5] * 16, abs=0.02)
    levels = (bits >> 2) & (evolution.LEVELS - 1)
    assert levels.min() >= 0
    assert levels.float().mean().item() == pytest.approx(evolution.LEVELS / 2, rel=0.02)


# --- rows, errors


def test_rows_tell_what_the_stored_image_does():
    scores, pictures = linear(), images()
    goal = other_class(scores, pictures)
    found = evolve(scores, ball(pictures, 0.2), goal, IDS, BUDGET, seed=0)
    rows = search_rows(scores, found, goal, pictures, IDS, goal.classes, {"classifier": "softmax"})
    p = scores(found.images)
    assert rows["id"].tolist() == IDS
    assert rows["predicted"].tolist() == p.argmax(1).tolist()
    assert rows["success"].tolist() == found.reached.tolist()
    assert rows["p_target"].tolist() == p[range(6), goal.classes].tolist()
    assert rows["start_p_target"].tolist() == scores(pictures)[range(6), goal.classes].tolist()
    assert rows["linf"].max() == pytest.approx(0.2, abs=1e-6)
    change = (found.images - pictures).flatten(1).double()
    assert rows["l2"].tolist() == pytest.approx(change.square().sum(1).sqrt().tolist(), rel=1e-5)
    unlabelled = search_rows(scores, found, goal, pictures, IDS, None, {})
    assert unlabelled["label"].isna().all()


def test_different_numbers_of_images_and_ids_are_told():
    with pytest.raises(SpuriousError, match=r"^6 images, 2 ids and 6 classes; give one for each$"):
        evolve(linear(), ball(images(), 0.1), Goal(classes=torch.zeros(6).long()), [0, 1], BUDGET, seed=0)


# --- what it tells on the way


@pytest.mark.parametrize("method", ["evolution", "random"])
@pytest.mark.parametrize("together", [None, 2])
@pytest.mark.parametrize("whole_budget", [False, True])
def test_it_tells_of_queries_that_are_judged_or_spared(method, together, whole_budget):
    scores, pictures = linear(), images()
    goal, told = other_class(scores, pictures), []
    how = {"method": method, "seed": 0, "together": together, "whole_budget": whole_budget}
    found = evolve(scores, ball(pictures, 0.1), goal, IDS, BUDGET, **how, on_queries=told.append)
    assert sum(told) == len(IDS) * BUDGET.max_queries
    assert all(done > 0 for done in told)
    assert len(told) > 3
    silent = evolve(scores, ball(pictures, 0.1), goal, IDS, BUDGET, **how)
    assert equal(found, silent)


def test_what_has_ended_counts_at_once():
    told = []
    evolve(
        constant,
        ball(images(2), 0.1),
        Goal(classes=torch.tensor([0, 1])),
        [0, 1],
        BUDGET,
        seed=0,
        on_queries=told.append,
    )
    assert told[0] == BUDGET.max_queries + BUDGET.population  # the first is class 0 from the start
    assert sum(told) == 2 * BUDGET.max_queries
