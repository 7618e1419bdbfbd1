"""Smallest steps within [0, 1] against a slow search along every target's path, and their bounds."""

import numpy as np
import pytest
import torch

from spurious.attacks import box_steps
from spurious.attacks.box_steps import limited_step, smallest_image_steps
from spurious.attacks.closed_form import smallest_steps
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES, PIXELS = 5, 12
WEIGHT = torch.randn((CLASSES, PIXELS), generator=generator("weight"))
BIAS = torch.randn(CLASSES, generator=generator("bias"))
IMAGES = torch.rand((30, PIXELS), generator=generator("images")).mul(3).sub(1).clamp(0, 1)  # many pixels at an end


def slow_size(image, target, decision, norm):
    """Bisection in plain float64 over how far every pixel may go, or over the multiple of the direction."""
    weight, bias, x = WEIGHT.double().numpy(), BIAS.double().numpy(), image.double().numpy()
    direction = weight[target] - weight[decision]

    def moved(scale):
        return np.clip(x + scale * (direction if norm == "l2" else np.sign(direction)), 0, 1)

    def crossed(scale):
        return direction @ moved(scale) + bias[target] - bias[decision] >= 0

    low, high = 0.0, 1e6
    if not crossed(high):
        return np.inf
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if crossed(middle) else (middle, high)
    change = moved(high) - x
    return np.sqrt(change @ change) if norm == "l2" else np.abs(change).max()


def found():
    steps = smallest_steps(WEIGHT, BIAS, IMAGES)
    return steps, smallest_image_steps(WEIGHT, BIAS, IMAGES, steps)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_equals_the_slow_search_over_all_targets(norm):
    steps, own = found()
    decisions = steps.decision.tolist()
    expected = [
        min(slow_size(image, target, decision, norm) for target in range(CLASSES) if target != decision)
        for image, decision in zip(IMAGES, decisions, strict=True)
    ]
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(getattr(own, f"{norm}_image").numpy(), expected, rtol=1e-6)


def test_chunks_are_parts_of_the_whole(monkeypatch):
    _, whole = found()
    monkeypatch.setattr(box_steps, "CHUNK", 7)
    _, parts = found()
    torch.testing.assert_close(parts.l2_image, whole.l2_image)
    torch.testing.assert_close(parts.linf_image, whole.linf_image)


def test_no_image_is_nearer_than_without_the_limits():
    steps, own = found()
    for limited, free in ((own.l2_image, steps.l2), (own.linf_image, steps.linf_smallest)):
        nearest = free.nan_to_num(nan=torch.inf).amin(1)
        assert (limited >= nearest * (1 - 1e-6)).all()
        assert (limited > 1.01 * nearest).any()


def test_where_nothing_is_in_the_way_the_step_is_the_free_one():
    images = 0.5 + 0.01 * IMAGES
    bias = -(images @ WEIGHT.T).mean(0)  # scores about equal, so that the steps are short
    steps = smallest_steps(WEIGHT, bias, images)
    own = smallest_image_steps(WEIGHT, bias, images, steps)
    torch.testing.assert_close(own.l2_image, steps.l2.nan_to_num(nan=torch.inf).amin(1))
    torch.testing.assert_close(own.linf_image, steps.linf_smallest.nan_to_num(nan=torch.inf).amin(1))


def test_where_no_image_is_beyond_the_border_the_size_is_infinite():
    direction, image = torch.tensor([[1.0, -2.0, 0.0]]).double(), torch.tensor([[0.5, 0.25, 0.3]]).double()
    for euclidean in (False, True):  # the corner (1, 0) gains 0.5 + 0.5
        assert limited_step(direction, image, torch.tensor([1.01]).double(), euclidean=euclidean).isinf().all()
        assert limited_step(direction, image, torch.tensor([0.99]).double(), euclidean=euclidean).isfinite().all()
        assert limited_step(direction, image, torch.tensor([0.0]).double(), euclidean=euclidean).tolist() == [0]


def test_classes_with_equal_weights_have_no_border():
    weight = torch.zeros(2, PIXELS)
    steps = smallest_steps(weight, torch.tensor([1.0, 0.0]), IMAGES)
    own = smallest_image_steps(weight, torch.tensor([1.0, 0.0]), IMAGES, steps)
    assert own.l2_image.isinf().all()
    assert own.linf_image.isinf().all()
