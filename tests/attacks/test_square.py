"""Squares against a search of one image pixel by pixel."""

import math

import pytest
import torch

from attacks.subjects import CLASSES, SIZE, defended, starts_of
from spurious.attacks import square as module
from spurious.attacks.square import HALVED_AT, SHARE, pyramids, side, square
from spurious.attacks.within import Starts, Within
from spurious.seeding import generator

QUERIES = 60


def wanted(scores, label):
    """Objective and success of one image, from its scores."""
    others = max(score for place, score in enumerate(scores[:-1]) if place != label)
    return others - max(scores[label], 0.0), others > max(scores[label], 0.0)


def corner(place, width):
    """The first row or column of a square from a number in [0, 1)."""
    return int(place * (SIZE - width + 1))


def window(top, left, width):
    return [(row, column) for row in range(top, top + width) for column in range(left, left + width)]


def length(values):
    return math.sqrt(sum(value**2 for value in values))


def within(start, change, norm, epsilon):
    """The image (1, 1, H, W) after a change by pixel, which is cut to the ball and to [0, 1]."""
    if norm == "l2":
        share = min(1.0, epsilon / max(length(change.values()), 1e-12))
        change = {pixel: value * share for pixel, value in change.items()}
    image = start.clone()
    for (row, column), value in change.items():
        value = min(max(value, -epsilon), epsilon)
        image[0, 0, row, column] = min(max(start[0, 0, row, column].item() + value, 0.0), 1.0)
    return image


def slow_pyramid(height, width):
    """Rectangles around the middle, the k-th from outside 1 / k^2 from the inside higher, of length 1."""
    rings = {
        (row, column): max(abs(row - height // 2), abs(column - width // 2)) for row, column in grid(height, width)
    }
    most = max(rings.values())
    bump = {pixel: sum(1 / other**2 for other in range(ring + 1, most + 2)) for pixel, ring in rings.items()}
    return {pixel: value / length(bump.values()) for pixel, value in bump.items()}


def grid(height, width):
    return [(row, column) for row in range(height) for column in range(width)]


def slow_bump(width, upright):
    """A pyramid and a dent below it or, not `upright`, beside it."""
    if width == 1:
        return {(0, 0): 1.0}
    half = width // 2
    bump = slow_pyramid(half, width)
    dent = slow_pyramid(width - half, width)
    bump |= {(row + half, column): -value for (row, column), value in dent.items()}
    return {pixel if upright else pixel[::-1]: value / math.sqrt(2) for pixel, value in bump.items()}


def with_square(change, numbers, width, norm, epsilon):
    """The change by pixel with a new square: to the ends of the ball, or by algorithm 3."""
    down, right, other_down, other_right, lies, sign = numbers
    top, left, sign = corner(down, width), corner(right, width), -1 if sign < 0.5 else 1
    inside = window(top, left, width)
    if norm == "linf":
        return change | dict.fromkeys(inside, sign * epsilon)
    emptied = window(corner(other_down, width), corner(other_right, width), width)
    taken = length([change[pixel] for pixel in {*inside, *emptied}])
    spare = max(epsilon**2 - length(change.values()) ** 2, 0)
    bump = {(row + top, column + left): sign * v for (row, column), v in slow_bump(width, lies < 0.5).items()}
    old = max(length([change[pixel] for pixel in inside]), 1e-10)
    direction = {pixel: bump[pixel] + change[pixel] / old for pixel in inside}
    if length(direction.values()) ** 2 <= 1e-6:
        direction = bump
    size = math.sqrt(taken**2 + spare) / length(direction.values())
    return change | dict.fromkeys(emptied, 0.0) | {pixel: value * size for pixel, value in direction.items()}


def slow_square(attacked, start, label, name, ball, seed):
    """The search of one image (1, 1, H, W), with loops over pixels."""
    first = generator(seed, "square, first", name)
    signs = torch.randint(2, (1, 1, SIZE), generator=first)[0, 0].tolist()
    size = 2 * ball.epsilon / (1 if ball.norm == "linf" else SIZE)
    further = {(row, column): size if signs[column] else -size for row, column in grid(SIZE, SIZE)}
    old = {pixel: start[0, 0, *pixel].item() for pixel in further}
    change = {pixel: min(max(old[pixel] + own, 0), 1) - old[pixel] for pixel, own in further.items()}
    best = within(start, change, ball.norm, ball.epsilon)
    most, done = wanted(attacked.scores(best)[0].tolist(), label)
    own = generator(seed, "square", name)
    for query in range(2, QUERIES + 1):
        if done:
            break
        share = SHARE / 2 ** len([part for part in HALVED_AT if query - 1 > part * QUERIES])
        width = max(1, round(math.sqrt(share) * SIZE))
        change = {(row, column): (best - start)[0, 0, row, column].item() for row, column in grid(SIZE, SIZE)}
        change = with_square(change, torch.rand(6, generator=own).tolist(), width, ball.norm, ball.epsilon)
        tried = within(start, change, ball.norm, ball.epsilon)
        value, done = wanted(attacked.scores(tried)[0].tolist(), label)
        if value > most:
            best, most = tried, value
    return best


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.06), ("l2", 0.35)])
def test_every_image_is_searched_as_alone_pixel_by_pixel(norm, epsilon):
    attacked = defended()
    starts, ball = starts_of(attacked, 5), Within(norm=norm, epsilon=epsilon)
    found = square(attacked, starts, ball, seed=2, queries=QUERIES)
    for place, name in enumerate(starts.ids):
        start, label = starts.images[place : place + 1], int(starts.labels[place])
        expected = slow_square(attacked, start, label, name, ball, 2)
        assert torch.allclose(found.images[place], expected[0], atol=1e-3)  # what nearly cancels magnifies rounding


def test_squares_shrink():
    sides = [side(query, 1000, (1, 28, 28)) for query in range(1, 1001)]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == 15
    assert sides[-1] == 1


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_pyramids_have_length_1(width):
    assert pyramids(width).shape == (width, width)
    assert pyramids(width).norm().item() == pytest.approx(1)


def test_an_l2_search_uses_the_whole_size():
    attacked = defended()
    starts, ball = starts_of(attacked, 5), Within(norm="l2", epsilon=0.2)
    grey = Starts(images=0.25 + starts.images / 2, labels=starts.labels, ids=starts.ids)  # nothing is cut to [0, 1]
    found = square(attacked, grey, ball, seed=0, queries=QUERIES)
    sizes = (found.images - grey.images).flatten(1).norm(dim=1)
    assert sizes[~found.success].tolist() == pytest.approx([0.2] * int((~found.success).sum()), rel=1e-3)
    assert attacked.scores(found.images).shape == (5, CLASSES + 1)


def test_a_square_has_a_sign_for_each_channel():
    numbers = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.9, 0.1]])  # places, how it lies, signs
    start = torch.full((1, 3, 4, 4), 0.5)
    moved = module._with_squares(start, start, Within(norm="linf", epsilon=0.1), numbers, 2)
    assert moved[0, :, 0, 0].tolist() == pytest.approx([0.4, 0.6, 0.4])
    inside, _, _ = module._window(start.shape, numbers[:, :2], 2)
    change = module._l2_change(torch.zeros_like(start), inside, inside, torch.ones(1, 3, 1, 1) * inside, 0.3)
    assert change.norm().item() == pytest.approx(0.3)  # of all channels together
