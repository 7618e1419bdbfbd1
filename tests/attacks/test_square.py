"""Squares against a search of one image pixel by pixel."""

import math

import pytest
import torch

from attacks.subjects import CLASSES, SIZE, defended, starts_of
from spurious.attacks.square import HALVED_AT, SHARE, pyramids, side, square
from spurious.attacks.within import Starts, Within
from spurious.seeding import generator

QUERIES = 60


def wanted(scores, label):
    """Objective and success of one image, from its scores."""
    others = max(score for place, score in enumerate(scores[:-1]) if place != label)
    return others - max(scores[label], 0.0), others > max(scores[label], 0.0)


def slow_square(attacked, image, label, name, epsilon, seed):
    """The L-inf search of one image (1, C, H, W), with loops over pixels."""
    first = generator(seed, "square, first", name)
    signs = torch.randint(2, (1, 1, SIZE), generator=first)[0, 0].tolist()
    best = image.clone()
    for row in range(SIZE):
        for column in range(SIZE):
            pixel = image[0, 0, row, column].item() + (epsilon if signs[column] else -epsilon)
            best[0, 0, row, column] = min(max(pixel, 0.0), 1.0)
    most, done = wanted(attacked.scores(best)[0].tolist(), label)
    own = generator(seed, "square", name)
    for query in range(2, QUERIES + 1):
        if done:
            break
        down, right, _, _, _, sign = torch.rand(6, generator=own).tolist()
        share = SHARE / 2 ** len([part for part in HALVED_AT if query - 1 > part * QUERIES])
        width = max(1, round(math.sqrt(share) * SIZE))
        top, left = int(down * (SIZE - width + 1)), int(right * (SIZE - width + 1))
        tried = best.clone()
        for row in range(top, top + width):
            for column in range(left, left + width):
                pixel = image[0, 0, row, column].item() + (-epsilon if sign < 0.5 else epsilon)
                tried[0, 0, row, column] = min(max(pixel, 0.0), 1.0)
        value, done = wanted(attacked.scores(tried)[0].tolist(), label)
        if value > most:
            best, most = tried, value
    return best


def test_every_image_is_searched_as_alone_pixel_by_pixel():
    attacked = defended()
    starts, ball = starts_of(attacked, 5), Within(norm="linf", epsilon=0.06)
    found = square(attacked, starts, ball, seed=2, queries=QUERIES)
    for place, name in enumerate(starts.ids):
        start, label = starts.images[place : place + 1], int(starts.labels[place])
        expected = slow_square(attacked, start, label, name, ball.epsilon, 2)
        assert torch.allclose(found.images[place], expected[0], atol=1e-5)


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
