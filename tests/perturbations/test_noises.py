import pytest
import torch

from spurious.errors import SpuriousError
from spurious.perturbations.noise import add_noise
from spurious.perturbations.noises import Noise
from spurious.registry import parse
from spurious.seeding import generator

GREY = torch.full((2, 3, 64, 80), 0.5)
GAUSSIAN, SALT = parse(Noise, "gaussian"), parse(Noise, "salt_and_pepper")


def test_gaussian_noise_is_that_of_the_function():
    options = {"scale": (0.5, 1.0, 0.0), "clamp": False}
    assert torch.equal(GAUSSIAN(GREY, ["a", "b"], 0.5, 3, **options), add_noise(GREY, ["a", "b"], 0.5, 3, **options))


def test_salt_and_pepper_is_the_documented_draw():
    drawn = torch.rand(1, 64, 80, generator=generator(3, "salt and pepper", 0.25, "b"))
    expected = torch.where(drawn < 0.125, 0.0, torch.where(drawn >= 0.875, 1.0, 0.5)).expand(3, -1, -1)
    assert torch.equal(SALT(GREY, ["a", "b"], 0.25, 3)[1], expected)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_salt_and_pepper_sets_a_share_of_whole_pixels(share):
    noisy = SALT(torch.full((1, 3, 300, 300), 0.5), ["a"], share, 0)
    assert (noisy == noisy[:, :1]).all()
    for value in (0, 1):
        assert (noisy[:, 0] == value).float().mean().item() == pytest.approx(share / 2, abs=0.005)
    assert (noisy == 0.5).any() == (share < 1)


@pytest.mark.parametrize("noise", [GAUSSIAN, SALT])
def test_noise_belongs_to_the_image_not_to_its_batch(noise):
    images = torch.rand(2, 3, 9, 12, generator=generator("test", "noises"))
    before = images.clone()
    both = noise(images, ["a", "b"], 0.25, 0)
    assert torch.equal(images, before)
    assert torch.equal(both[1:], noise(images[1:], ["b"], 0.25, 0))
    for other in (noise(images, ["c", "d"], 0.25, 0), noise(images, ["a", "b"], 0.25, 1)):
        assert not torch.equal(both, other)
    assert torch.equal(noise(images, ["a", "b"], 0.0, 0), images)


@pytest.mark.parametrize(
    ("sigma", "scale", "message"),
    [
        (1.5, (1.0,), "sigma 1.5 is no share of the pixels; give salt_and_pepper at most 1"),
        (0.5, (4.0,), "sigma 2.0 is no share"),
        (-0.5, (1.0,), "negative"),
        (0.5, (1.0, 1.0, 1.0), "3 factors, but salt_and_pepper sets all channels of a pixel together; give one"),
    ],
)
def test_salt_and_pepper_refuses(sigma, scale, message):
    with pytest.raises(SpuriousError, match=message):
        SALT(GREY, ["a", "b"], sigma, 0, scale=scale)


def test_an_unknown_noise_is_named():
    with pytest.raises(SpuriousError, match=r"'gausian' is not allowed: .*did you mean 'gaussian'"):
        parse(Noise, "gausian")
