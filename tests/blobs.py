"""A dataset that every classifier learns."""

import torch

from spurious.seeding import generator


def blobs(count=150, seed=0):
    """Images (count, 1, 4, 4) of three classes: another row is bright in each."""
    labels = torch.arange(count) % 3
    pixels = 0.5 * torch.rand(count, 1, 4, 4, generator=generator("blobs", seed))
    pixels[torch.arange(count), 0, labels] += 0.4
    return pixels, labels
