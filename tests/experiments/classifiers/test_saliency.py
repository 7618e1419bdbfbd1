"""Input gradients and the selection of the largest ones, each against a slow reference."""

import pytest
import torch
from torch import nn

from spurious.experiments.classifiers.saliency import input_gradients, largest_positive


def slow_largest_positive(row, count):
    order = sorted(range(len(row)), key=lambda i: -row[i])
    kept = [i for i in order if row[i] > 0][:count]
    return [value if i in kept else 0.0 for i, value in enumerate(row)]


@pytest.mark.parametrize("count", [1, 7, 200])
def test_largest_positive_equals_the_slow_loop(count):
    gradients = torch.randn(5, 60, generator=torch.Generator().manual_seed(count))
    expected = [slow_largest_positive(row, count) for row in gradients.tolist()]
    assert largest_positive(gradients, count).tolist() == expected


def test_fewer_positive_values_than_asked_for_are_all_kept():
    gradients = torch.tensor([[-1.0, 2.0, 0.0, 1.0], [-1.0, -2.0, -3.0, -4.0]])
    assert largest_positive(gradients, 3).tolist() == [[0, 2, 0, 1], [0, 0, 0, 0]]


def test_equal_values_do_not_exceed_the_count():
    assert (largest_positive(torch.ones(2, 10), 4) > 0).sum(1).tolist() == [4, 4]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 4)).requires_grad_(False)


def test_input_gradients_are_those_of_the_softmax_probability(model):
    images, labels = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 3, 1])
    double = images.double().requires_grad_()
    reference_model = nn.Sequential(*model).double()
    reference_model(double).softmax(1)[range(3), labels].sum().backward()
    reference_model.float()
    result = input_gradients(model, images, labels)
    assert result.shape == images.shape
    torch.testing.assert_close(result.double(), double.grad, rtol=1e-5, atol=1e-8)


def test_a_saturated_softmax_still_has_its_gradient():
    """In float32 p rounds to 1, so that differentiating the softmax gives a fifth of the truth."""
    linear = nn.Linear(1, 2, bias=False)
    linear.weight.data = torch.tensor([[20.0], [-5.0]])
    image = torch.ones(1, 1, 1, 1)
    p_other = torch.tensor(-25.0).double().sigmoid().item()
    gradient = input_gradients(nn.Sequential(nn.Flatten(), linear), image, torch.tensor([0])).item()
    assert gradient == pytest.approx(25 * p_other, rel=1e-5)


def test_images_and_grad_mode_are_left_alone(model):
    images = torch.rand(2, 1, 4, 4)
    with torch.no_grad():
        gradients = input_gradients(model, images, torch.tensor([1, 2]))
    assert not images.requires_grad
    assert not gradients.requires_grad
