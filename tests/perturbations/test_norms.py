"""Every norm keeps what `Norm` promises; sizes against numpy, and wrong norms are noticed."""

import numpy as np
import pytest
import torch

from attacks.subjects import RootMeanSquare
from spurious.attacks.entries import GradientAttack
from spurious.attacks.within import Within
from spurious.errors import SpuriousError
from spurious.perturbations.balls import project, pushed
from spurious.perturbations.norms import L2, NORMS, LInf
from spurious.registry import parse
from spurious.seeding import generator

SHAPE, COUNT, EPSILON = (2, 4, 3), 200, 0.3
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def drawn(*parts, count=COUNT):
    return torch.randn((count, *SHAPE), generator=generator("test norms", *parts))


def members(norm, count=COUNT):
    """Changes in the ball of size 1."""
    return torch.stack([norm.draw(SHAPE, generator("member", number)) for number in range(count)])


def broken_promises(norm):
    """What of `Norm` does not hold for this one."""
    start, gradients, ball = drawn("start"), drawn("gradients"), members(norm)
    projected = norm.project(drawn("images"), start, EPSILON)
    inside = start + EPSILON * ball
    steepest, images = norm.direction(gradients), drawn("images")
    random = torch.stack([norm.random_direction(SHAPE, generator("direction", number)) for number in range(COUNT)])
    ones, sizes = torch.ones(COUNT), torch.linspace(0.1, 2, COUNT)
    cut = norm.cut(images, start, sizes)
    to_members = (images[:, None] - start[:, None] - EPSILON * ball[None]).flatten(2).norm(dim=2).amin(1)
    promises = {
        "project ends within epsilon": (norm.size(projected - start) <= EPSILON * (1 + 1e-5)).all(),
        "project finds the nearest": ((images - projected).flatten(1).norm(dim=1) <= to_members + 1e-5).all(),
        "project leaves what is inside": torch.allclose(norm.project(inside, start, EPSILON), inside, **CLOSE),
        "draw stays in the ball": (norm.size(ball) <= 1 + 1e-5).all(),
        "draw fills the ball": norm.size(ball).max() > 0.9 and ball.mean().abs() < 0.05,
        "direction has size 1": torch.allclose(norm.size(steepest), ones, **CLOSE),
        "direction rises most": (
            (gradients * steepest).flatten(1).sum(1) >= (gradients.flatten(1) @ ball.flatten(1).T).amax(1) - 1e-5
        ).all(),
        "direction of nothing is nothing": not norm.direction(torch.zeros(1, *SHAPE)).any(),
        "random_direction has size 1": torch.allclose(norm.size(random), ones, **CLOSE),
        "cut ends within sizes": (norm.size(cut - start) <= sizes * (1 + 1e-5)).all(),
        "cut leaves what is inside": torch.allclose(norm.cut(inside, start, ones), inside, **CLOSE),
        "cut moves towards the start": ((cut - start) * (images - cut) >= -1e-5).all(),
        "no change in [0, 1] is larger than the span": norm.size(torch.ones(1, *SHAPE)).item()
        == pytest.approx(norm.span(SHAPE)),
    }
    return [name for name, kept in promises.items() if not kept]


@pytest.mark.parametrize("norm", [*NORMS.values(), RootMeanSquare()])
def test_a_norm_keeps_its_promises(norm):
    assert broken_promises(norm) == []
    assert norm.words


@pytest.mark.parametrize("norm", NORMS.values())
def test_images_are_cut_to_many_sizes_as_they_are_projected_to_each(norm):
    start, images, sizes = drawn("start"), drawn("images"), torch.linspace(0.1, 2, COUNT)
    parts = (own.split(1) for own in (images, start, sizes))
    expected = torch.cat([norm.project(*pair, size.item()) for *pair, size in zip(*parts, strict=True)])
    torch.testing.assert_close(norm.cut(images, start, sizes), expected, **CLOSE)


@pytest.mark.parametrize(("name", "order"), [("linf", np.inf), ("l2", 2)])
def test_sizes_are_numpys(name, order):
    changes = drawn("sizes")
    expected = [np.linalg.norm(change.ravel(), order) for change in changes.numpy()]
    assert NORMS[name].size(changes).tolist() == pytest.approx(expected, rel=1e-6)


class Doubled(L2):
    """Its directions are twice as long."""

    def direction(self, gradients):
        return 2 * super().direction(gradients)


class Short(L2):
    """Cuts to twice the sizes."""

    def cut(self, images, start, sizes):
        return super().cut(images, start, 2 * sizes)


class Scaled(LInf):
    """Does not leave alone what is inside."""

    def project(self, images, start, epsilon):
        return start + epsilon * (images - start) / (images - start).flatten(1).abs().amax(1)[:, None, None, None]


class Central(LInf):
    """Draws only near the centre."""

    def draw(self, shape, generator):
        return super().draw(shape, generator) / 2


@pytest.mark.parametrize(
    ("norm", "broken"),
    [
        (Doubled(), ["direction has size 1"]),
        (Scaled(), ["project finds the nearest", "project leaves what is inside"]),
        (Short(), ["cut ends within sizes"]),
        (Central(), ["draw fills the ball"]),
    ],
)
def test_a_broken_promise_is_noticed(norm, broken):
    assert broken_promises(norm) == broken


def test_an_unknown_norm_is_one_line():
    with pytest.raises(SpuriousError, match=r"^norm: 'l3' is not allowed: one of linf, l2$"):
        parse(GradientAttack, {"epsilon": 0.1, "norm": "l3"})


@pytest.mark.parametrize("norm", NORMS)
def test_a_large_photograph_stays_in_the_ball(norm):
    """4.8 million changes, few of them large: in float32 their squares add up to too little."""
    start = torch.rand(1, 3, 1000, 1600, generator=generator("photograph"))
    change = 0.05 * torch.randn(start.shape, generator=generator("change")).pow(3)
    epsilon = {"linf": 0.01, "l2": 2.0}[norm]
    projected = NORMS[norm].project(start + change, start, epsilon)
    size = NORMS[norm].size(projected.double() - start.double()).item()
    assert epsilon * (1 - 1e-5) < size < epsilon * (1 + 1e-6) + 1e-7


def test_a_small_image_is_renormed_and_nothing_else():
    """The correction is for large images: bit for bit, others are where they were without it."""
    images, start = drawn("images"), drawn("start")
    renormed = start + (images - start).flatten(1).renorm(2, 0, EPSILON).view_as(start)
    assert torch.equal(NORMS["l2"].project(images, start, EPSILON), renormed)


def test_the_length_of_a_large_photographs_change_is_numpys():
    """In float32 it comes out .002 of it too small."""
    change = 0.0157 * torch.randn(1, 3, 1000, 1500, generator=generator("change")).sign()
    assert L2().size(change).item() == pytest.approx(np.linalg.norm(change.numpy().astype(float)), rel=1e-6)


@pytest.mark.parametrize(("norm", "size"), [("linf", 0.2), ("l2", 2.0)])
def test_a_push_is_as_large_as_the_ball_though_the_range_cuts_it(norm, size):
    """Three quarters of the pixels are black, as in digits: half of the directions leave [0, 1] there."""
    start = torch.rand(20, *(1, 14, 14), generator=generator("dark")).sub(0.75).clamp(min=0).mul(4)
    directions = torch.stack([NORMS[norm].random_direction((1, 14, 14), generator("push", n)) for n in range(20)])
    ball = Within(norm=norm, epsilon=size)
    images = pushed(start, directions, ball)
    assert (images >= 0).all()
    assert (images <= 1).all()
    assert NORMS[norm].size(images - start) == pytest.approx(size, rel=1e-4)
    plain = project(start + size * directions, start, ball)
    assert torch.equal(images, plain) == (norm == "linf")
    assert (NORMS[norm].size(plain - start) <= size * (1.0001 if norm == "linf" else 0.9)).all()
