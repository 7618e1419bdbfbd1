"""The inner attack: it stays in its box, raises the largest probability of a real class, and never that of another."""

import pytest
import torch

from spurious.attacks.confidence import confidence_gradients, raise_confidence
from spurious.classifiers.models import SoftmaxRegression
from spurious.seeding import generator

SHAPE = (1, 4, 4)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SoftmaxRegression(SHAPE, 4)


def noise():
    return torch.rand(5, *SHAPE, generator=generator("noise"))


def highest(model, images):
    return model(images).softmax(1)[:, :3].amax(1)


@pytest.mark.parametrize("epsilon", [0.1, 1.0])
def test_it_raises_the_largest_real_probability_within_its_box(model, epsilon):
    start = noise()
    moved = raise_confidence(model, start, 3, epsilon=epsilon, steps=5)
    assert (highest(model, moved) > highest(model, start)).all()
    assert (moved - start).abs().max() <= epsilon + 1e-6
    assert epsilon == 1 or (moved - start).abs().max().item() == pytest.approx(epsilon)  # it reaches the border
    assert 0 <= moved.min() < moved.max() <= 1


def test_no_steps_leave_the_noise_as_it_is(model):
    assert torch.equal(raise_confidence(model, noise(), 3, epsilon=0.3, steps=0), noise())


def test_gradients_are_those_of_the_largest_real_class(model):
    """Of a linear classifier with logits Wx + b: d log(p / (1 - p)) / dx, by hand."""
    images, weight = noise(), model.out.weight.detach()
    p = model(images).softmax(1).detach()
    largest = p[:, :3].argmax(1)
    others = p.scatter(1, largest[:, None], 0)
    expected = weight[largest] - others / others.sum(1, keepdim=True) @ weight
    torch.testing.assert_close(confidence_gradients(model, images, 3).flatten(1), expected, rtol=1e-4, atol=1e-6)


def test_an_extra_class_is_not_what_is_raised(model):
    with torch.no_grad():
        model.out.bias[3] = 50.0
    start = noise()
    moved = raise_confidence(model, start, 3, epsilon=0.3, steps=5)
    assert (model(moved)[:, 3] - model(start)[:, 3] < model(moved)[:, :3].amax(1) - model(start)[:, :3].amax(1)).all()
