"""Smallest steps against a loop in float64 and a bisection along the line; templates, their fractions and the toy."""

import math

import numpy as np
import pytest
import torch

from spurious.attacks import closed_form
from spurious.attacks.closed_form import (
    clamped_sum,
    fast_gradient_sign,
    rubbish_probability,
    smallest_steps,
    template_fraction,
)
from spurious.experiments.linear.templates import total_variation
from spurious.experiments.linear.toy import toy
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")


def classifier(classes=5, pixels=12, seed=0, scale=1.0):
    draw = generator(seed, "classifier")
    return scale * torch.randn((classes, pixels), generator=draw), torch.randn(classes, generator=draw)


def some_images(count=9, pixels=12, seed=0):
    return torch.rand((count, pixels), generator=generator(seed, "images"))


WEIGHT, BIAS = classifier()
IMAGES = some_images()


def slow_steps(weight, bias, images):
    """(l2, linf, linf_smallest) for each image and target, in plain float64."""
    weight, bias = weight.double().numpy(), bias.double().numpy()
    result = np.full((3, len(images), len(weight)), np.nan)
    for n, x in enumerate(images.double().numpy()):
        scores = [float(w @ x + b) for w, b in zip(weight, bias, strict=True)]
        decision = int(np.argmax(scores))
        for target in range(len(weight)):
            if target != decision:
                direction = weight[target] - weight[decision]
                margin = scores[decision] - scores[target]
                step = margin / (direction @ direction) * direction
                result[:, n, target] = math.sqrt(step @ step), np.abs(step).max(), margin / np.abs(direction).sum()
    return result


def test_equals_the_slow_loop():
    steps = smallest_steps(WEIGHT, BIAS, IMAGES)
    expected = slow_steps(WEIGHT, BIAS, IMAGES)
    for own, slow in zip((steps.l2, steps.linf, steps.linf_smallest), expected, strict=True):
        assert own.dtype == torch.float32
        np.testing.assert_allclose(own.numpy(), slow, rtol=1e-6)
    assert torch.equal(steps.decision, (IMAGES @ WEIGHT.T + BIAS).argmax(1))


def test_nan_at_the_decision_and_nowhere_else():
    steps = smallest_steps(WEIGHT, BIAS, IMAGES)
    for sizes in (steps.l2, steps.linf, steps.linf_smallest):
        assert torch.equal(sizes.isnan().nonzero()[:, 1], steps.decision)


def test_there_is_no_border_between_classes_of_equal_weights():
    weight, bias = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, 0.0, 0.0])
    images, nan, inf = torch.tensor([[0.9, 0.1], [0.1, 0.9]]), torch.nan, torch.inf
    for other in (bias, torch.tensor([0.0, -0.5, 0.0])):  # of equal scores, and never the larger one
        steps = smallest_steps(weight, other, images)
        assert steps.decision.tolist() == [0, 2]
        own = torch.tensor([[nan, inf, 0.8 / 2**0.5], [0.8 / 2**0.5, (0.8 - other[1]) / 2**0.5, nan]])
        torch.testing.assert_close(steps.l2, own, equal_nan=True)
        for sizes in (steps.linf, steps.linf_smallest):
            torch.testing.assert_close(sizes, own / 2**0.5, equal_nan=True)


def unit_directions(steps, n, target, norm):
    direction = (WEIGHT[target] - WEIGHT[int(steps.decision[n])]).double()
    return direction / direction.norm() if norm == "l2" else direction.sign()


@pytest.mark.parametrize("norm", ["l2", "linf_smallest"])
def test_a_step_a_thousandth_longer_flips_the_decision_and_one_shorter_does_not(norm):
    steps, checked = smallest_steps(WEIGHT, BIAS, IMAGES), 0
    for n, x in enumerate(IMAGES.double()):
        decision = int(steps.decision[n])
        for target in set(range(len(WEIGHT))) - {decision}:
            size = float(getattr(steps, norm)[n, target])
            unit = unit_directions(steps, n, target, norm)
            for factor in (1 - 1e-3, 1 + 1e-3):
                scores = WEIGHT.double() @ (x + factor * size * unit) + BIAS.double()
                assert (scores[target] > scores[decision]) == (factor > 1)
                checked += 1
    assert checked == 2 * len(IMAGES) * (len(WEIGHT) - 1)


def test_bisection_along_the_line_finds_the_same_length():
    steps = smallest_steps(WEIGHT, BIAS, IMAGES)
    for n, target in ((0, 1), (3, 2), (8, 4)):
        if target == steps.decision[n]:
            target = 0
        unit, low, high = unit_directions(steps, n, target, "l2"), 0.0, 1e3
        for _ in range(80):
            middle = (low + high) / 2
            scores = WEIGHT.double() @ (IMAGES[n].double() + middle * unit) + BIAS.double()
            low, high = (low, middle) if scores[target] > scores[int(steps.decision[n])] else (middle, high)
        assert float(steps.l2[n, target]) == pytest.approx(high, rel=1e-5)


@pytest.mark.parametrize("norm", ["l2", "linf_smallest"])
def test_no_other_direction_is_shorter(norm):
    """Random directions of the same size never reach the border."""
    steps = smallest_steps(WEIGHT, BIAS, IMAGES)
    directions = torch.randn((500, 12), generator=generator(1), dtype=torch.float64)
    directions = directions / directions.norm(dim=1, keepdim=True) if norm == "l2" else directions.sign()
    for n, x in enumerate(IMAGES.double()):
        decision = int(steps.decision[n])
        for target in set(range(len(WEIGHT))) - {decision}:
            moved = x + (1 - 1e-6) * float(getattr(steps, norm)[n, target]) * directions
            scores = moved @ WEIGHT.double().T + BIAS.double()
            assert (scores[:, target] < scores[:, decision]).all()


def test_order_of_the_norms():
    steps = smallest_steps(WEIGHT, BIAS, IMAGES)
    others = ~steps.l2.isnan()
    assert (steps.linf_smallest <= steps.linf + 1e-9)[others].all()
    assert (steps.linf <= steps.l2)[others].all()
    assert (steps.l2 <= steps.linf_smallest * math.sqrt(12) + 1e-6)[others].all()


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_neither_chunks_nor_threads_matter(monkeypatch, chunk):
    whole = smallest_steps(WEIGHT, BIAS, IMAGES)
    monkeypatch.setattr(closed_form, "CHUNK", chunk)
    torch.set_num_threads(2)
    parts = smallest_steps(WEIGHT, BIAS, IMAGES)
    torch.set_num_threads(1)
    for name in ("l2", "linf", "linf_smallest"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), rtol=1e-6, atol=0, equal_nan=True)
    assert torch.equal(parts.decision, whole.decision)


def test_the_scale_of_the_weights_does_not_matter():
    """An eighth of weights and biases decides alike: its borders are the same."""
    first, second = smallest_steps(WEIGHT, BIAS, IMAGES), smallest_steps(WEIGHT / 8, BIAS / 8, IMAGES)
    torch.testing.assert_close(first.l2, second.l2, rtol=1e-5, atol=0, equal_nan=True)


def test_equal_weights_are_never_reached():
    weight = torch.stack([WEIGHT[0], WEIGHT[0], WEIGHT[2]])
    steps = smallest_steps(weight, torch.tensor([1.0, 0.0, -100.0]), IMAGES)
    assert steps.l2[:, 1].isinf().all()
    assert steps.linf_smallest[:, 1].isinf().all()


def test_many_classes():
    weight, bias = classifier(classes=120, pixels=20)
    steps = smallest_steps(weight, bias, some_images(6, 20))
    np.testing.assert_allclose(steps.l2.numpy(), slow_steps(weight, bias, some_images(6, 20))[0], rtol=1e-6)


def probability(weight, bias, image, target):
    return float((weight.double() @ image.double() + bias.double()).softmax(0)[target])


@pytest.mark.parametrize("target", range(5))
def test_the_fraction_is_just_enough(target):
    weight = 3 * WEIGHT
    fraction = template_fraction(weight, BIAS, IMAGES[0], target, 0.9)
    assert fraction is not None
    enough = clamped_sum(IMAGES[0].double(), weight[target].double(), fraction)
    assert probability(weight, BIAS, enough, target) >= 0.9
    assert enough.min() >= 0
    assert enough.max() <= 1
    if fraction:
        for less in np.linspace(0, fraction * (1 - 1e-6), 200):
            image = clamped_sum(IMAGES[0].double(), weight[target].double(), float(less))
            assert probability(weight, BIAS, image, target) < 0.9


def test_a_fraction_that_clamping_forbids_is_none():
    weak = torch.full((2, 4), 0.01)
    weak[0] *= -1
    image, bias = torch.full((4,), 0.5), torch.tensor([5.0, 0.0])
    assert template_fraction(weak, bias, image, 1) is None
    assert template_fraction(weak, bias, image, 1, None) is None


def test_until_the_target_is_the_decision():
    weight, bias, image = torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), torch.tensor([0.5, 0.0]), torch.tensor([0.1, 0.0])
    # scores -x + .5 and x: equal at x = .25
    assert template_fraction(weight, bias, image, 1, None) == pytest.approx(0.15)
    assert template_fraction(weight, bias, image, 1, 0.99) is None


def test_a_target_that_is_sure_already_needs_nothing():
    assert template_fraction(WEIGHT, torch.tensor([99.0, 0, 0, 0, 0]), IMAGES[0], 0) == 0


def slow_total_variation(template):
    differences = []
    for channel in template:
        for y, x in np.ndindex(channel.shape):
            if y:
                differences.append(abs(channel[y, x] - channel[y - 1, x]))
            if x:
                differences.append(abs(channel[y, x] - channel[y, x - 1]))
    return np.mean(differences) / np.mean(np.abs(template))


@pytest.mark.parametrize("shape", [(1, 4, 6), (3, 5, 5), (2, 1, 7)])
def test_total_variation_equals_a_plain_loop(shape):
    templates = np.random.default_rng(0).normal(size=(2, 3, *shape))
    found = total_variation(templates)
    assert found.shape == (2, 3)
    for place in np.ndindex(2, 3):
        assert found[place] == pytest.approx(slow_total_variation(templates[place]))


def test_total_variation_is_free_of_scale_and_tells_smooth_from_rough():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(1, 200, 200))
    assert total_variation(noise) == pytest.approx(math.sqrt(2), rel=0.02)
    assert total_variation(-0.01 * noise) == pytest.approx(float(total_variation(noise)))
    blurred = sum(np.roll(noise, (i, j), (1, 2)) for i in range(3) for j in range(3)) / 9
    assert total_variation(blurred) < 0.6 * total_variation(noise)
    assert total_variation(np.ones((1, 5, 5))) == 0
    assert np.isnan(total_variation(np.zeros((1, 5, 5))))


def test_toy_golden():
    """The write-up: -3 and .0474 before, 2 and .88 after x + .5 w."""
    table = toy()
    assert list(table) == ["step", "input", "score", "p", "l2", "linf"]
    assert table["step"].tolist() == ["x", "x + 0.5 w"]
    assert table["input"].iloc[1] == "1.5 -1.5 3.5 -2.5 2.5 1.5 1.5 -3.5 4.5 1.5"
    assert table["score"].tolist() == [-3, 2]
    assert table["p"].tolist() == pytest.approx([0.0474, 0.88], abs=0.001)
    assert table["p"].iloc[0] == pytest.approx(1 / (1 + math.e**3), rel=1e-12)
    assert table["l2"].tolist() == pytest.approx([0, math.sqrt(2.5)])
    assert table["linf"].tolist() == [0, 0.5]


def test_fast_gradient_sign_is_that_of_autograd(monkeypatch):
    labels = torch.arange(len(IMAGES)) % len(WEIGHT)
    images = IMAGES.clone().requires_grad_()
    torch.nn.functional.cross_entropy(images @ WEIGHT.T + BIAS, labels, reduction="sum").backward()
    scores = (IMAGES + 0.2 * images.grad.sign()) @ WEIGHT.T + BIAS
    monkeypatch.setattr(closed_form, "CHUNK", 4)
    decision, p = fast_gradient_sign(WEIGHT, BIAS, IMAGES, labels, 0.2)
    assert torch.equal(decision, scores.argmax(1))
    torch.testing.assert_close(p, scores.softmax(1).amax(1))


def test_fast_gradient_sign_of_no_size_is_the_decision_itself():
    labels = torch.zeros(len(IMAGES), dtype=torch.long)
    assert torch.equal(fast_gradient_sign(WEIGHT, BIAS, IMAGES, labels, 0.0)[0], (IMAGES @ WEIGHT.T + BIAS).argmax(1))


def test_fast_gradient_sign_raises_the_loss_of_every_image():
    labels = (IMAGES @ WEIGHT.T + BIAS).argmax(1)
    decision, _ = fast_gradient_sign(WEIGHT, BIAS, IMAGES, labels, 5.0)
    assert not (decision == labels).any()


def test_rubbish_is_standard_normal_and_its_probability_grows_with_the_weights():
    generators = [generator(0, "rubbish") for _ in range(3)]
    small, same, large = (
        rubbish_probability(scale * WEIGHT, BIAS, 1500, own) for scale, own in zip((1, 1, 9), generators, strict=True)
    )
    assert torch.equal(small, same)
    assert small.shape == (1500,)
    assert ((small > 1 / len(WEIGHT)) & (small <= 1)).all()
    assert large.mean() > small.mean() + 0.05
    noise = torch.randn((1000, WEIGHT.shape[1]), generator=generator(0, "rubbish"))
    torch.testing.assert_close(small[:1000], (noise @ WEIGHT.T + BIAS).softmax(1).amax(1))
