"""Randomized smoothing against the closed form of a linear classifier; counts that depend on the image alone."""

import math

import pytest
import torch
from torch import nn

from attacks.subjects import defended, network, starts_of
from spurious.attacks.expectation import move_away
from spurious.attacks.margins import joint, margins
from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.defences.smoothed import Noise, Smoothed
from spurious.seeding import generator
from spurious.statistics.randomized_smoothing import certified_radius

SHAPE, SIGMA = (1, 4, 4), 0.5
DRAWS = {"n0": 50, "n": 4000, "alpha": 0.001}


class Plane(nn.Module):
    """Class 0 where w x > b, else class 1, of 3 classes: the distance from the plane is the exact radius."""

    def __init__(self):
        super().__init__()
        self.normal = torch.randn(16, generator=generator("plane"))

    def distance(self, images):
        return (images.flatten(1) @ self.normal) / self.normal.norm()

    def forward(self, images):
        distance = self.distance(images)
        return torch.stack([distance, -distance, distance.abs() - 1e6], dim=1)


def smoothed(model=None, sigma=SIGMA, seed=0, batch_size=100, defence="none"):
    return Smoothed(defended(defence, model or Plane()).scores, Noise(sigma, seed, batch_size))


def at_distance(distance):
    """An image so far on the side of class 0."""
    image = torch.rand((1, *SHAPE), generator=generator("image"))
    away = Plane().normal.view(SHAPE) / Plane().normal.norm()
    return image[0] + (distance - Plane().distance(image)) * away


@pytest.mark.parametrize("distance", [0.2, 0.5, 1.0])
def test_the_radius_of_a_linear_classifier_is_just_below_its_distance(distance):
    found = smoothed().certify(at_distance(distance), 7, **DRAWS)
    assert found.decision == 0
    share = found.count / DRAWS["n"]
    exact = 0.5 * math.erfc(-distance / SIGMA / math.sqrt(2))  # Phi(distance / sigma)
    assert share == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / DRAWS["n"]))
    assert 0.85 * distance < found.radius < distance


def test_a_radius_of_1_2_times_is_caught_inside():
    distance = 0.5
    radius = smoothed().certify(at_distance(distance), 7, **DRAWS | {"n": 100_000}).radius
    ahead = {"n": 20_000, "alpha": 0.001}
    assert smoothed().predict(at_distance(distance - 0.99 * radius), 7, **ahead) in (0, ABSTAINED)
    assert smoothed().predict(at_distance(distance - 1.2 * radius), 7, **ahead) == 1  # broken: certified, and not so


def test_a_radius_of_1_2_times_is_caught_by_the_attack():
    """The attack within what a broken certifier claims: PGD through the mean over noise, judged by PREDICT."""
    subject, image = smoothed(), at_distance(0.5)
    radius = subject.certify(image, 7, **DRAWS | {"n": 100_000}).radius

    def noise(step):
        return torch.cat(
            [part.clone() for part in subject.noise.draws(torch.zeros_like(image), 7, 16, f"attack, {step}")]
        )

    said = {}
    for size in (0.99, 1.2):
        moved = move_away(subject.scores, image, 0, size * radius, noise, steps=20)
        assert (moved - image).norm() <= size * radius + 1e-5
        said[size] = subject.predict(moved, 7, n=20_000, alpha=0.001)
    assert said[0.99] in (0, ABSTAINED)
    assert said[1.2] == 1


@pytest.mark.parametrize("radius", [4e-4, 1e-8])
def test_the_attack_on_a_large_image_stays_within_a_small_radius(radius):
    """Rounding the pixels to float32 led .2 % out of .0004; nothing but the image itself is within .00000001."""
    image = torch.rand(3, 300, 400, generator=generator("large"))
    weights = torch.randn(2, image.numel(), generator=generator("weights"))

    def scores(images):
        return images.flatten(1) @ weights.T / 1000

    moved = move_away(scores, image, 0, radius, lambda step: torch.zeros(1, *image.shape), steps=5)
    length = torch.linalg.vector_norm((moved - image).double()).item()
    assert length <= radius * (1 + 1e-5)
    assert (length > 0.9 * radius) == (radius > 1e-6)


def test_of_many_images_few_certificates_are_wrong():
    smooth = smoothed()
    radii = [smooth.certify(at_distance(0.4), name, n0=20, n=200, alpha=0.05).radius for name in range(200)]
    wrong = sum(radius > 0.4 for radius in radii)
    assert 0 < wrong <= 20  # 10 are expected
    assert sum(1.2 * radius > 0.4 for radius in radii) > 60


def test_on_the_plane_nothing_is_certified_or_predicted():
    found = smoothed().certify(at_distance(0.0), 0, **DRAWS)
    assert (found.decision, found.radius) == (ABSTAINED, 0)
    assert smoothed().predict(at_distance(0.0), 0, n=1000, alpha=0.001) == ABSTAINED


def test_counts_are_those_of_an_independent_loop():
    image, model = at_distance(0.3), Plane()
    source = generator(3, "smoothed", "estimation", SIGMA, "a")
    expected = [0, 0, 0, 0]
    for _ in range(50):
        noisy = image + SIGMA * torch.empty(SHAPE).normal_(generator=source)
        expected[int(joint(margins(model(noisy[None]))[None]).argmax())] += 1
    assert smoothed(seed=3).counts(image, "a", 50, "estimation").tolist() == expected


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
def test_counts_depend_neither_on_the_batch_size_nor_on_what_came_before(batch_size):
    image = starts_of(defended()).images[0]
    expected = smoothed(network(), defence="vote").counts(image, 5, 40, "estimation")
    other = smoothed(network(), defence="vote", batch_size=batch_size)
    other.counts(image, 4, 13, "selection")
    assert other.counts(image, 5, 40, "estimation").tolist() == expected.tolist()
    assert expected.sum() == 40


def test_image_seed_sigma_and_purpose_have_noise_of_their_own():
    def first(seed=0, sigma=SIGMA, name="a", purpose="selection"):
        image = torch.zeros(SHAPE)
        return next(Noise(sigma, seed, 1).draws(image, name, 1, purpose)).clone() / sigma

    others = [first(1), first(sigma=0.25), first(name="b"), first(purpose="estimation")]
    assert all((first() - other).abs().max() > 0.1 for other in others)
    assert torch.equal(first(), first())


def test_the_decision_is_chosen_by_other_draws_than_give_its_radius(monkeypatch):
    asked, draws = [], Noise.draws

    def noted(self, image, name, count, purpose):
        asked.append((purpose, count))
        return draws(self, image, name, count, purpose)

    monkeypatch.setattr(Noise, "draws", noted)
    smoothed().certify(at_distance(0.3), 7, n0=13, n=40, alpha=0.001)
    assert asked == [("selection", 13), ("estimation", 40)]


def test_noise_is_not_clamped():
    (noisy,) = Noise(1.0, 0, 100).draws(torch.full(SHAPE, 0.5), 0, 100, "selection")
    assert noisy.min() < 0
    assert noisy.max() > 1
    assert noisy.std().item() == pytest.approx(1, abs=0.05)


def test_a_rejection_is_a_decision_of_its_own():
    def rejecting(images):
        return torch.zeros(len(images), 4).index_fill_(1, torch.tensor([3]), 1.0)

    smooth = Smoothed(rejecting, Noise(SIGMA, 0, 10))
    found = smooth.certify(torch.zeros(SHAPE), 0, n0=10, n=100, alpha=0.001)
    assert found.decision == REJECTED
    assert found.radius == pytest.approx(certified_radius(100, 100, 0.001, SIGMA))
    assert smooth.predict(torch.zeros(SHAPE), 0, n=100, alpha=0.001) == REJECTED
