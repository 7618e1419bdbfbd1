"""The search along the border against the algorithm for one image, decision by decision."""

import math

import pytest
import torch

from attacks.subjects import SIZE, RootMeanSquare, defended, starts_of
from spurious.attacks import hop_skip_jump as module
from spurious.attacks.hop_skip_jump import hop_skip_jump
from spurious.attacks.within import Starts, Within
from spurious.perturbations.norms import NORMS
from spurious.seeding import generator

ROUNDS, SEED = 3, 4


def slow_search(wrong, image, name, norm):
    """The nearest wrong image (1, C, H, W) that the search comes to; None where it finds none to begin with."""
    far = first_wrong(wrong, image, name)
    if far is None:
        return None
    near = bisected(wrong, image, far, norm)
    for number in range(1, ROUNDS + 1):
        distance = NORMS[norm].size(near - image).item()
        normal = estimated(wrong, image, near, name, norm, number, distance)
        size, moved = distance / math.sqrt(number), near
        for _ in range(12):
            tried = (near + size * normal).clamp(0, 1)
            if wrong(tried):
                moved = tried
                break
            size /= 2
        nearer = bisected(wrong, image, moved, norm)
        if NORMS[norm].size(nearer - image) < distance:
            near = nearer
    return near


def first_wrong(wrong, image, name):
    for number in range(50):
        noise = torch.rand(image.shape[1:], generator=generator(SEED, "hop", f"{name}, {number // 5}"))
        share = (number % 5 + 1) / 5
        tried = image * (1 - share) + noise * share
        if wrong(tried):
            return tried
    return None


def bisected(wrong, image, far, norm):
    low, high, best = 0.0, NORMS[norm].size(far - image).item(), far
    for _ in range(12):
        middle = (low + high) / 2
        tried = NORMS[norm].project(far, image, middle)
        if wrong(tried):
            best, high = tried, middle
        else:
            low = middle
    return best


def estimated(wrong, image, near, name, norm, number, distance):
    count = round(20 * math.sqrt(number))
    own = generator(f"{SEED}, {number}", "directions", name)
    drawn = [draw / draw.norm() for draw in torch.randn(count, *image.shape[1:], generator=own)]
    width = 0.1 * distance / (1 if norm == "linf" else math.sqrt(image.numel()))
    signs = [1.0 if wrong((near + width * draw).clamp(0, 1)) else -1.0 for draw in drawn]
    mean = sum(signs) / count
    total = sum((sign - mean if abs(mean) < 1 else sign) * draw for sign, draw in zip(signs, drawn, strict=True))
    return NORMS[norm].direction(total[None])


def compared(norm):
    """How far the batched search ends from the one by itself, for each image that has something to begin with."""
    attacked = defended()
    starts, ball = starts_of(attacked, 6), Within(norm=norm, epsilon=10.0)
    found = hop_skip_jump(attacked, starts, ball, seed=SEED, rounds=ROUNDS)
    differences = []
    for place, name in enumerate(starts.ids):
        label = starts.labels[place].item()
        expected = slow_search(
            lambda image, own=label: attacked.decide(image).item() not in (-1, own),
            starts.images[place : place + 1],
            name,
            norm,
        )
        if expected is not None:
            differences.append((found.images[place] - expected[0]).abs().max().item())
    return differences


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_every_image_goes_where_the_algorithm_leads_it_alone(norm):
    differences = compared(norm)
    assert len(differences) >= 3
    assert max(differences) < 1e-3


def test_other_directions_are_noticed(monkeypatch):
    monkeypatch.setattr(module, "WIDTH", 0.5)
    assert max(compared("l2")) > 1e-3


def searched(norm, epsilon):
    attacked = defended()
    ball = Within(norm=norm, epsilon=epsilon)
    return hop_skip_jump(attacked, starts_of(attacked, 6), ball, seed=SEED, rounds=ROUNDS)


def test_a_norm_from_outside_is_asked_itself(monkeypatch):
    """L2 in another unit is another norm and the same search; in a box (L-inf) it is another search."""
    monkeypatch.setitem(NORMS, "rms", RootMeanSquare())
    expected, found = searched("l2", 2.0), searched("rms", 2.0 / SIZE)
    assert expected.success.any()
    assert found.success.equal(expected.success)
    torch.testing.assert_close(found.images, expected.images, rtol=0, atol=1e-4)
    assert not torch.allclose(searched("linf", 2.0 / SIZE).images, expected.images, atol=1e-2)


def test_more_rounds_come_nearer():
    attacked = defended()
    starts, ball = starts_of(attacked, 12), Within(norm="l2", epsilon=100.0)
    few, many = (hop_skip_jump(attacked, starts, ball, seed=0, rounds=rounds) for rounds in (1, 8))
    reached = few.success & many.success
    assert reached.sum() >= 3
    distances = [(found.images - starts.images).flatten(1).norm(dim=1)[reached].mean() for found in (few, many)]
    assert distances[1] < distances[0]


def halves(images):
    """Logits of two classes, "left" and "right" by the brighter half; noise is neither."""
    return 60 * torch.stack([images[..., :5].mean((1, 2, 3)), images[..., 5:].mean((1, 2, 3))], 1)


def bright(side, size=SIZE):
    """An image (1, size, size) whose left (0) or right (1) half is bright."""
    image = torch.full((1, size, size), 0.2)
    image[..., : size // 2].add_(0.6 * (1 - side))
    image[..., size // 2 :].add_(0.6 * side)
    return image


def behind_a_threshold(others, epsilon=100.0):
    attacked = defended({"kind": "threshold", "log_odds": 18.0}, halves)
    starts = Starts(images=torch.stack([bright(0), bright(1)]), labels=torch.tensor([0, 1]), ids=["left", "right"])
    assert attacked.decide(torch.rand(200, 1, SIZE, SIZE, generator=generator("noise"))).eq(-1).all()
    return starts, hop_skip_jump(
        attacked, starts, Within(norm="l2", epsilon=epsilon), seed=0, rounds=ROUNDS, others=others
    )


def test_where_noise_is_rejected_it_begins_at_another_image():
    starts, found = behind_a_threshold(())
    assert not found.success.any()
    assert torch.equal(found.images, starts.images)
    others = [torch.rand(1, SIZE, SIZE, generator=generator("other")), bright(1), bright(0, size=3 * SIZE)]
    starts, found = behind_a_threshold(others)
    assert found.success.all()
    distance = (bright(0) - bright(1)).norm()
    assert ((found.images - starts.images).flatten(1).norm(dim=1) < 0.76 * distance).all()
    assert not behind_a_threshold(others, epsilon=0.1)[1].success.any()


def test_only_those_that_noise_leaves_without_a_beginning_get_another():
    """The first is wrong before any search; what is nearest to it, and wrong for it, is not what the second needs."""
    attacked = defended({"kind": "threshold", "log_odds": 18.0}, halves)
    starts = Starts(images=torch.stack([bright(0)] * 2), labels=torch.tensor([1, 0]), ids=["wrong", "right"])
    ball = Within(norm="l2", epsilon=100.0)
    found = hop_skip_jump(attacked, starts, ball, seed=0, rounds=1, others=[bright(1)])
    assert found.success.tolist() == [True, True]
    assert attacked.decide(found.images).tolist() == [0, 1]


def test_other_images_are_left_alone_where_noise_is_wrong():
    attacked, ball = defended(), Within(norm="l2", epsilon=100.0)
    starts = starts_of(attacked, 8)
    starts = starts.at(hop_skip_jump(attacked, starts, ball, seed=0, rounds=1).success.nonzero().flatten())
    without, beside = (
        hop_skip_jump(attacked, starts, ball, seed=0, rounds=1, others=others) for others in ((), [*starts.images])
    )
    assert len(starts.ids) >= 2
    assert torch.equal(without.images, beside.images)


def test_an_image_of_the_label_is_no_beginning():
    _, found = behind_a_threshold([bright(0)])
    assert found.success.tolist() == [False, True]


def test_of_several_images_it_begins_at_the_nearest():
    far, near = bright(1), bright(1) * 0.8
    starts, _ = behind_a_threshold(())
    attacked = defended({"kind": "threshold", "log_odds": 18.0}, halves)
    first = starts.first(1)
    distances = (torch.stack([far, near]) - first.images).flatten(1).norm(dim=1)
    begun = module._nearest_others(attacked, first, [far, near])
    assert torch.equal(begun[0], [far, near][int(distances.argmin())])
    assert distances[0] != distances[1]
