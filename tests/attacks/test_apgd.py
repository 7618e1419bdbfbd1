"""Batched ascent against algorithm 1 of the paper, written for one image with numbers instead of tensors of them."""

import pytest
import torch

from attacks.subjects import defended, starts_of
from spurious.attacks import apgd
from spurious.attacks.apgd import ascend, checks
from spurious.attacks.margins import joint, margins
from spurious.attacks.objectives import objective, only, reductions, wanted_classes
from spurious.attacks.white_box import raising
from spurious.attacks.within import Within
from spurious.seeding import generator

STEPS = 30


def projected(image, start, ball):
    change = image - start
    if ball.norm == "linf":
        change = change.clamp(-ball.epsilon, ball.epsilon)
    elif change.norm() > ball.epsilon:
        change = change * (ball.epsilon / change.norm())
    return (start + change).clamp(0, 1)


def algorithm_1(value_of, start, ball, steps):
    """The image (1, C, H, W) with the largest value, and all values."""

    def look(image):
        image = image.clone().requires_grad_()
        value = value_of(image)
        (gradient,) = torch.autograd.grad(value, image)
        values.append(value.item())
        return value.item(), gradient.sign() if ball.norm == "linf" else gradient / gradient.norm()

    values = []
    size, image, before = 2 * ball.epsilon, start, start
    value, direction = look(image)
    best, most, best_direction = image, value, direction
    rises, last, most_then, size_then = 0, 0, most, size
    for step in range(1, steps + 1):
        ahead = projected(image + size * direction, start, ball)
        if step > 1:
            ahead = projected(image + 0.75 * (ahead - image) + 0.25 * (image - before), start, ball)
        before, image, old = image, ahead, value
        value, direction = look(image)
        rises += value > old
        if value > most:
            best, most, best_direction = image, value, direction
        if step in (7, 13, 18, 21, 24, 27, 28, 30) and step in checks(steps):
            halve = rises < 0.75 * (step - last) or (size_then == size and most_then == most)
            size_then, most_then = size, most
            if halve:
                size, image, before, value, direction = size / 2, best, best, most, best_direction
            rises, last = 0, step
    return best, values


def evaluated(attacked, labels):
    """Raised without ever being done."""
    raised = raising(attacked, labels, reductions(3)["sum"], wanted_classes(labels, 4))
    return lambda images, places: raised(images, places)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_every_image_goes_where_the_algorithm_leads_it(norm):
    attacked = defended()
    starts = starts_of(attacked, 6)
    ball = Within(norm=norm, epsilon={"linf": 0.1, "l2": 0.8}[norm])
    found = ascend(evaluated(attacked, starts.labels), starts.images, starts.images, ball, STEPS, stop=False)
    for place in range(6):
        evaluate = evaluated(attacked, starts.labels[place : place + 1])
        start = starts.images[place : place + 1]
        best, _ = algorithm_1(lambda image, own=evaluate: own(image, torch.tensor([0]))[0][0], start, ball, STEPS)
        assert torch.allclose(found.images[place], best[0], atol=1e-4)


def test_another_momentum_is_noticed(monkeypatch):
    monkeypatch.setattr(apgd, "MOMENTUM", 0.9)
    with pytest.raises(AssertionError):
        test_every_image_goes_where_the_algorithm_leads_it("l2")


def test_the_step_size_is_looked_at_when_the_paper_says():
    assert checks(100) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_every_iterate_counts():
    """Only the third evaluation is wanted: it is the one that is kept."""
    seen = []

    def evaluate(images, places):
        seen.append(images.detach())
        return images.sum((1, 2, 3)), torch.full((len(images),), len(seen) == 3)

    start = torch.rand(2, 1, 3, 3, generator=generator("iterates"))
    found = ascend(evaluate, start, start, Within(norm="l2", epsilon=0.5), 10)
    assert len(seen) == 3
    assert torch.equal(found.images, seen[2])
    assert found.success.all()


def test_images_that_are_done_cost_nothing_more():
    asked = []

    def evaluate(images, places):
        asked.append(places.tolist())
        return images.sum((1, 2, 3)), (places == 0) & (len(asked) == 2)

    start = torch.rand(3, 1, 3, 3, generator=generator("done"))
    ascend(evaluate, start, start, Within(norm="linf", epsilon=0.1), 4)
    assert asked == [[0, 1, 2], [0, 1, 2], [1, 2], [1, 2], [1, 2]]


@pytest.mark.parametrize("views", [3, 4, 5])
def test_an_objective_above_0_is_a_wrong_class_that_the_vote_answers(views):
    view_margins = margins(torch.randn(views, 4000, 4, generator=generator("objectives", views)))
    labels = torch.randint(4, (4000,), generator=generator("labels"))
    decision = joint(view_margins).argmax(1)
    ways = reductions(views)
    wrong = (decision != labels) & (decision != 4)
    assert torch.equal(objective(ways["joint"](view_margins), wanted_classes(labels, 4)) > 0, wrong)
    several = [objective(way(view_margins), wanted_classes(labels, 4)) > 0 for name, way in ways.items() if " " in name]
    assert torch.equal(torch.stack(several).any(0), wrong)
    assert torch.equal(objective(ways["joint"](view_margins), only(labels, 4)) > 0, decision == labels)


def test_views_look_in_all_smallest_majorities():
    assert list(reductions(3)) == ["joint", "sum", "views 0 1", "views 0 2", "views 1 2"]
    assert list(reductions(1)) == ["joint"]
    assert len(reductions(4)) == 2 + 4
    assert len(reductions(5)) == 2 + 10


def test_steps_that_rise_but_gain_nothing_go_back_to_the_best_and_halve():
    """From a first value that no later one reaches: six of seven steps rise, so only that nothing was gained counts."""
    seen = []

    def scripted(images, places):
        value = 10.0 if not seen else 0.1 * len(seen)
        seen.append(images.detach().clone())
        return value + (images - images.detach()).flatten(1).sum(1), torch.zeros(1, dtype=torch.bool)

    start, ball = torch.full((1, 1, 2, 2), 0.5), Within(norm="linf", epsilon=0.1)
    ascend(scripted, start, start, ball, STEPS, stop=False)
    assert checks(STEPS)[0] == 7
    assert seen[7].mean().item() == pytest.approx(0.6)  # at the border
    assert seen[8].mean().item() == pytest.approx(0.5 + 0.75 * 0.1)  # from the start, by the momentum's share
