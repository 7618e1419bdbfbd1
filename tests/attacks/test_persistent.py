"""The attack that does not give up: it goes on where a search from uniform noise has no gradient, and counts that."""

import pytest
import torch
from torch import nn

from spurious.attacks import persistent
from spurious.attacks.persistent import OBJECTIVES, Wanted, persist
from spurious.attacks.settings import FROM_NOISE, PersistentAttack
from spurious.classifiers.models import SoftmaxRegression
from spurious.perturbations.noise_images import NOISE
from spurious.seeding import generator

SHAPE, CLASSES, ABOVE = (1, 6, 6), 3, 0.99
SETTINGS = PersistentAttack(images=1, steps=30, restarts=1, max_queries=0)


class Flat(nn.Module):
    """Logits of a linear classifier where at most `bright` of the pixels' sum is exceeded, else 0 without gradient."""

    def __init__(self, bright):
        super().__init__()
        self.inner, self.bright = linear(), bright

    def forward(self, images):
        inside = images.flatten(1).sum(1, keepdim=True) <= self.bright
        return torch.where(inside, self.inner(images), 0 * images.flatten(1).sum(1, keepdim=True))


def linear():
    torch.manual_seed(0)
    model = SoftmaxRegression(SHAPE, CLASSES)
    with torch.no_grad():
        model.out.weight *= 20
    return model


def wanted():
    images = 0.3 * torch.rand(2 * CLASSES, *SHAPE, generator=generator("others"))
    return Wanted(labels=torch.arange(CLASSES).repeat(2), others=images, averages=images.flip(0))


def test_a_classifier_with_a_gradient_is_fooled_from_the_first_start():
    found = persist(linear(), wanted(), SETTINGS, above=ABOVE, seed=0)
    assert (found.p > ABOVE).all()
    assert set(found.start) == {"uniform"}
    assert set(found.objective) == {"log_p"}
    assert found.tried.tolist() == [1] * 6
    assert found.flat.sum() == 0
    again = linear()(found.images).softmax(1).gather(1, wanted().labels[:, None])[:, 0]
    assert found.p.tolist() == pytest.approx(again.tolist(), rel=1e-5)
    assert 0 <= found.images.min() <= found.images.max() <= 1


def test_where_uniform_noise_has_no_gradient_another_start_finds_and_it_is_counted():
    found = persist(Flat(bright=8.0), wanted(), SETTINGS, above=ABOVE, seed=0)
    assert (found.p > ABOVE).all()
    assert not {"uniform"} & set(found.start)
    assert set(found.start) <= set(FROM_NOISE)
    assert (found.flat >= 1).all()
    assert (found.flat < found.tried).all()


def test_what_no_start_finds_keeps_its_best_and_every_start_is_tried():
    found = persist(Flat(bright=-1.0), wanted(), SETTINGS, above=ABOVE, seed=0)
    assert found.p.tolist() == pytest.approx([1 / 3] * 6)
    assert found.tried.tolist() == found.flat.tolist() == [len(NOISE) - 1 + 2] * 6  # with both kinds of real images


def test_a_search_that_has_found_is_not_looked_at_again(monkeypatch):
    """Of the last objective only the searches that are left are judged."""
    seen = []
    real = persistent.ascend
    monkeypatch.setattr(persistent, "ascend", lambda *rest: seen.append(len(rest[1])) or real(*rest))
    settings = SETTINGS.changed(steps=1, sizes=(0.02,))
    found = persist(linear(), wanted(), settings, above=0.9, seed=0)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < seen[0] == 6
    assert len(set(found.start)) > 1


def test_scores_alone_find_what_has_no_gradient():
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = linear()

        def forward(self, images):
            return self.inner((images * 8).round() / 8) + 0 * images.flatten(1).sum(1, keepdim=True)

    settings = SETTINGS.changed(max_queries=600)
    found = persist(Steps(), wanted(), settings, above=0.8, seed=0)
    evolved = torch.tensor([start == "evolution" for start in found.start])
    assert evolved.any()
    assert (found.p[evolved] > 0.8).all()
    assert {own for own, here in zip(found.objective, evolved, strict=True) if here} == {"scores"}


def test_the_result_is_decided_by_the_seed():
    first, again, other = (persist(linear(), wanted(), SETTINGS, above=ABOVE, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_alone_finds(name):
    found = persist(linear(), wanted(), SETTINGS.changed(objectives=(name,)), above=ABOVE, seed=0)
    assert (found.p > ABOVE).all()
    assert set(found.objective) == {name}


@pytest.mark.parametrize("bright", [8.0, -1.0])
@pytest.mark.parametrize("max_queries", [0, 20])
def test_it_tells_of_all_starts_whether_they_are_needed_or_not(bright, max_queries):
    told, settings = [], SETTINGS.model_copy(update={"max_queries": max_queries, "restarts": 2})
    model = Flat(bright)  # of nothing below 0 anything is found
    found = persist(model, wanted(), settings, above=ABOVE, seed=0, on_starts=lambda *own: told.append(own))
    total = persistent.number_of_starts(settings)
    assert {own for _, own in told} == {total}
    assert sum(done for done, _ in told) == total
    if bright < 0:
        assert (found.p <= ABOVE).all()
        assert [done for done, _ in told] == [0, *[1] * total]  # one after the other
        assert found.tried.tolist() == [total - (max_queries > 0)] * 6
