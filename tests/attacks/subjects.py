"""Small classifiers that may reject, and images to attack them with."""

import torch
from torch import nn

from spurious import registry
from spurious.attacks.within import Starts
from spurious.defences.defended import Defended
from spurious.defences.kinds import Defence
from spurious.perturbations.norms import L2
from spurious.seeding import generator

SIZE, CLASSES = 10, 4


class RootMeanSquare(L2):
    """A norm as one from outside: L2 divided by the root of the number of pixels, as docs/extending.md has it."""

    words = "RMS"

    def size(self, changes):
        return super().size(changes) / changes.shape[1:].numel() ** 0.5

    def project(self, images, start, epsilon):
        return super().project(images, start, epsilon * start.shape[1:].numel() ** 0.5)

    def direction(self, gradients):
        return super().direction(gradients) * gradients.shape[1:].numel() ** 0.5

    def random_direction(self, shape, generator):
        drawn = super().random_direction(shape, generator)
        return drawn * drawn.numel() ** 0.5


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Flatten(), nn.Linear(SIZE * SIZE, 32), nn.Tanh(), nn.Linear(32, CLASSES)]
        return nn.Sequential(*layers).requires_grad_(False)


def defended(value="vote", model=None):
    return Defended(registry.parse(Defence, value), model or network())


def starts_of(attacked, count=12, name="starts"):
    """Images of 8 bits with the labels that the classifier gives them, where it gives one."""
    images = torch.randint(256, (4 * count, 1, SIZE, SIZE), generator=generator(name)) / 255
    labels = attacked.decide(images)
    kept = (labels >= 0).nonzero().flatten()[:count]
    return Starts(images=images[kept], labels=labels[kept], ids=[f"image {place}" for place in kept.tolist()])
