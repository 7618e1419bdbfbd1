"""Images of noise: what each kind is, in [0, 1], and the blur against an independent one."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from spurious.perturbations import noise_images
from spurious.perturbations.noise_images import NOISE
from spurious.seeding import generator

IMAGES = torch.rand(6, 2, 12, 9, generator=generator("images"))


@pytest.mark.parametrize("kind", NOISE)
def test_noise_is_in_the_unit_interval_and_decided_by_the_generator(kind):
    drawn, again, other = (NOISE[kind](IMAGES, generator(seed)) for seed in (0, 0, 1))
    assert drawn.shape == IMAGES.shape
    assert drawn.dtype == torch.float32
    assert 0 <= drawn.min() < drawn.max() <= 1
    assert torch.equal(drawn, again)
    assert not any(torch.equal(*pair) for pair in zip(drawn, other, strict=True))


def test_permuted_pixels_keep_their_channels_together():
    drawn = NOISE["permuted"](IMAGES, generator(0))
    for image, moved in zip(IMAGES, drawn, strict=True):
        assert not torch.equal(image, moved)
        pixels, others = (sorted(map(tuple, each.flatten(1).T.tolist())) for each in (image, moved))
        assert pixels == others


def test_sparse_and_dark_noise_are_mostly_black():
    images = torch.empty(4, 1, 50, 50)
    assert (NOISE["sparse"](images, generator(0)) == 0).float().mean().item() == pytest.approx(0.9, abs=0.01)
    assert NOISE["dark"](images, generator(0)).max().item() == pytest.approx(0.1, abs=0.001)


def test_the_blur_is_a_gaussian_one_away_from_the_border(monkeypatch):
    monkeypatch.setattr(noise_images, "SIGMAS", (1.5, 1.5))
    image = torch.rand(1, 1, 41, 41, generator=generator("wide"))
    drawn = noise_images.blurred(image, generator(0))[0, 0, 12:-12, 12:-12].numpy()
    reference = gaussian_filter(image[0, 0].double().numpy(), 1.5, truncate=8)[12:-12, 12:-12]
    assert np.corrcoef(drawn.ravel(), reference.ravel())[0, 1] > 1 - 1e-9  # stretched: equal but for scale and offset


def test_blurred_images_fill_the_unit_interval_and_a_constant_one_stays_finite():
    drawn = noise_images.blurred(torch.cat([IMAGES, torch.full((1, 2, 12, 9), 0.3)]), generator(0))
    assert (drawn[:-1].amin((1, 2, 3)) == 0).all()
    assert (drawn[:-1].amax((1, 2, 3)) == 1).all()
    assert drawn[-1].isfinite().all()


def test_half_of_the_mixture_are_permuted_images():
    """Of images of one value the permuted ones stay so; the others are noise."""
    drawn = NOISE["mixture"](torch.full((5, 1, 8, 8), 0.5), generator(0))
    spread = drawn.std((1, 2, 3))
    assert (spread[:2] < 0.5).all()
    assert (spread[2:] > 0.1).all()
