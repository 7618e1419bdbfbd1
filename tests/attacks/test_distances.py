"""Steps towards the stored images of a class: nearer by a plain loop's measure, within the box, without a score."""

import pytest
import torch

from spurious.attacks.distances import Stored, approach
from spurious.attacks.evolution import ball
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.scikit_learn import fit, scores_of, stored_by
from spurious.registry import parse
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

NEAREST = {"scikit_learn": "nearest", "neighbours": 3}


def clouds(count, seed):
    """Images of 4 x 4 around .35 (class 0), .5 (1) and .65 (2)."""
    labels = torch.arange(count) % 3
    noise = 0.1 * torch.randn((count, 1, 4, 4), generator=generator(seed))
    return (0.35 + 0.15 * labels[:, None, None, None] + noise).clamp(0, 1), labels


@pytest.fixture(scope="module")
def classifier():
    return fit(parse(ClassifierEntry, NEAREST), *clouds(90, "train"), 0)


def gap(stored, image, target):
    """The measure, by a plain loop: mean squared distance to the nearest of the target minus that to the others."""
    sizes = {True: [], False: []}
    for other, label in zip(stored.images, stored.labels.tolist(), strict=True):
        sizes[label == int(target)].append(float(((image.flatten() - other) ** 2).sum()))
    own, others = (sum(sorted(sizes[which])[: stored.count]) / stored.count for which in (True, False))
    return own - others


def test_the_stored_images_are_those_that_were_fitted(classifier):
    stored, (images, labels) = stored_by(classifier), clouds(90, "train")
    order = torch.cdist(images.flatten(1), stored.images).argmin(1)
    assert torch.equal(stored.images[order], images.flatten(1))
    assert torch.equal(stored.labels[order], labels)
    assert stored.count == 3
    assert stored_by(fit(parse(ClassifierEntry, {"scikit_learn": "forest", "trees": 2}), images, labels, 0)) is None


def test_images_come_nearer_to_their_targets_within_the_box(classifier):
    stored, (images, labels) = stored_by(classifier), clouds(12, "test")
    targets, epsilon = (labels + 1) % 3, 0.12
    moved = approach(stored, images, targets, ball(images, epsilon), epsilon)
    assert moved.shape == images.shape
    assert 0 <= moved.min() <= moved.max() <= 1
    assert (moved - images).abs().max() <= epsilon + 1e-6
    before, after = ([gap(stored, i, t) for i, t in zip(own, targets, strict=True)] for own in (images, moved))
    assert all(b > a for b, a in zip(before, after, strict=True))


def test_it_succeeds_where_the_classes_are_near_and_not_where_epsilon_is_small(classifier):
    stored, (images, labels) = stored_by(classifier), clouds(30, "test")
    right = scores_of(classifier)(images).argmax(1) == labels
    images, targets = images[right], ((labels + 1) % 3)[right]
    share = {}
    for epsilon in (1e-3, 0.35):
        moved = approach(stored, images, targets, ball(images, epsilon), epsilon)
        share[epsilon] = (scores_of(classifier)(moved).argmax(1) == targets).float().mean().item()
    assert share == {1e-3: 0, 0.35: 1}


def test_each_image_is_attacked_by_itself(classifier):
    stored, (images, labels) = stored_by(classifier), clouds(6, "test")
    targets = (labels + 1) % 3
    whole = approach(stored, images, targets, ball(images, 0.1), 0.1)
    for place in range(6):
        part = slice(place, place + 1)
        alone = approach(stored, images[part], targets[part], ball(images[part], 0.1), 0.1)
        torch.testing.assert_close(whole[part], alone)


def test_one_stored_image_of_each_class_is_approached_in_a_straight_line():
    stored = Stored(images=torch.tensor([[0.2, 0.2], [0.8, 0.4]]), labels=torch.tensor([0, 1]), count=3)
    image = torch.tensor([[[[0.3, 0.3]]]])
    moved = approach(stored, image, torch.tensor([1]), ball(image, 0.1), 0.1)
    assert moved.flatten().tolist() == pytest.approx([0.4, 0.4])
