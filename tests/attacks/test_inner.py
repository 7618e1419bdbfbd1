"""The attack inside a training: it raises the loss, and stays where it may go."""

import pytest
import torch
import torch.nn.functional as F

from attacks.subjects import CLASSES, SIZE, network
from spurious.attacks.inner import raise_loss
from spurious.seeding import generator


def losses(model, images, targets):
    return F.cross_entropy(model(images), targets, reduction="none")


@pytest.mark.parametrize("steps", [1, 10])
def test_the_loss_of_every_image_rises_within_the_ball(steps):
    model, images = network(), torch.rand(30, 1, SIZE, SIZE, generator=generator("inner"))
    targets = F.one_hot(model(images).argmax(1), CLASSES).float()
    moved = raise_loss(model, images, targets, 0.1, steps, generator("start"))
    assert (losses(model, moved, targets) > losses(model, images, targets)).all()
    assert (moved - images).abs().max() <= 0.1 + 1e-6
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not moved.requires_grad


def test_more_steps_raise_it_more_and_the_start_is_random():
    model, images = network(), torch.rand(30, 1, SIZE, SIZE, generator=generator("inner"))
    targets = F.one_hot(model(images).argmax(1), CLASSES).float()
    one, ten, other = (
        raise_loss(model, images, targets, 0.1, steps, generator(seed)) for steps, seed in ((1, 0), (10, 0), (10, 1))
    )
    assert losses(model, ten, targets).mean() > losses(model, one, targets).mean()
    assert torch.equal(ten, raise_loss(model, images, targets, 0.1, 10, generator(0)))
    assert not torch.equal(ten, other)
