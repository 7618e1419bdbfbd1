"""Views made by banded matrices are those that kornia and torchvision make one after the other."""

import itertools

import pytest
import torch

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.perturbations.noise import add_noise
from spurious.registry import parse
from spurious.seeding import generator
from spurious.views import bands
from spurious.views.bands import Side, side_band
from spurious.views.blur import blur
from spurious.views.preprocessing import Preprocessing, prepare
from spurious.views.settings import Variant
from spurious.views.viewer import Viewer
from spurious.vision import InterpolationMode, transforms

IMAGENET = Preprocessing(resize=256, crop=224)
SETTINGS = SmoothingSettings()
SIZES = [(375, 500), (500, 375), (56, 75), (333, 77), (257, 256), (224, 224), (1100, 640)]


def picture(size, channels=3):
    return torch.rand(1, channels, *size, generator=generator("test", "views", size))


def prepared(image, preprocessing, *, antialias):
    """As the write-up's transform does it, on tensors."""
    if preprocessing.resize is not None:
        mode = InterpolationMode(preprocessing.interpolation)
        image = transforms.resize(image, [preprocessing.resize], interpolation=mode, antialias=antialias)
    return image if preprocessing.crop is None else transforms.center_crop(image, preprocessing.crop)


def published_views(image, name, sigma, seed, preprocessing, variant):
    """Noise, clamp and blur at the image's own size, then resize and crop: a list of views (1, C, h, w)."""
    noisy = add_noise(image, [name], sigma, seed, scale=variant.noise_scale, clamp=variant.clamp)
    unblurred, once, twice = SETTINGS.views
    views = [unblurred(noisy, None, SETTINGS.blur_sigma)]
    for kernel in SETTINGS.kernels:
        views += [view(noisy, kernel, SETTINGS.blur_sigma) for view in (once, twice)]
    return [prepared(view, preprocessing, antialias=variant.antialias) for view in views]


@pytest.mark.parametrize("preprocessing", [Preprocessing(), IMAGENET, Preprocessing(resize=40)])
@pytest.mark.parametrize("antialias", [False, True])
def test_preparing_is_what_torchvision_does(preprocessing, antialias):
    images = picture((56, 75))
    expected = prepared(images, preprocessing, antialias=antialias)
    assert torch.equal(prepare(images, preprocessing, antialias=antialias), expected)
    torch.testing.assert_close(bands.prepare(images, preprocessing, antialias=antialias), expected, atol=2e-6, rtol=0)


def test_a_view_that_is_no_blur_is_prepared_after_its_call():
    settings = parse(SmoothingSettings, {"views": ["median", "ss"], "kernels": [5, 7]})
    views = Viewer(IMAGENET, settings, Variant()).views(picture((333, 77)), ["a"], 0.25, 3)
    noisy = add_noise(picture((333, 77)), ["a"], 0.25, 3)
    expected = [settings.views[0](noisy, None, 1.0), blur(noisy, 5, 1.0), blur(noisy, 7, 1.0)]
    expected = torch.stack([prepared(view, IMAGENET, antialias=False) for view in expected], dim=1)
    torch.testing.assert_close(views, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_views_are_those_of_the_libraries(size, antialias):
    variant = Variant(antialias=antialias)
    views = Viewer(IMAGENET, SETTINGS, variant).views(picture(size), ["a"], 0.25, 3)
    assert views.shape == (1, 5, 3, 224, 224)
    expected = torch.stack(published_views(picture(size), "a", 0.25, 3, IMAGENET, variant), dim=1)
    torch.testing.assert_close(views, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(),
        Preprocessing(resize=100),
        Preprocessing(resize=101, crop=64),
        Preprocessing(resize=90, crop=90, interpolation="bicubic"),
    ],
)
def test_any_preprocessing(preprocessing):
    image, variant = picture((120, 87)), Variant()
    views = Viewer(preprocessing, SETTINGS, variant).views(image, ["a"], 0.125, 0)
    expected = published_views(image, "a", 0.125, 0, preprocessing, variant)
    torch.testing.assert_close(views, torch.stack(expected, dim=1), atol=2e-6, rtol=0)


def test_noise_at_the_prepared_size_is_drawn_blurred_and_clamped_there():
    image, variant = picture((375, 500)), Variant(noise_at="prepared")
    views = Viewer(IMAGENET, SETTINGS, variant).views(image, ["a"], 0.25, 0)
    small = prepared(image, IMAGENET, antialias=False)
    expected = published_views(small, "a", 0.25, 0, Preprocessing(), Variant())
    torch.testing.assert_close(views, torch.stack(expected, dim=1), atol=2e-6, rtol=0)


def test_without_clamp_pixels_leave_the_range_and_with_it_they_do_not():
    grey = torch.full((1, 3, 64, 64), 0.5)
    inside, outside = (
        Viewer(Preprocessing(), SETTINGS, Variant(clamp=clamp)).views(grey, ["a"], 0.375, 0) for clamp in (True, False)
    )
    assert (inside.min(), inside.max()) == (0, 1)
    assert outside.min() < -0.5
    assert outside[:, 0].std().item() == pytest.approx(0.375, rel=0.02)


def test_noise_is_scaled_by_channel():
    grey = torch.full((1, 3, 128, 128), 0.5)
    scale = (0.229, 0.0, 0.5)
    noisy = Viewer(Preprocessing(), SETTINGS, Variant(noise_scale=scale)).views(grey, ["a"], 0.25, 0)[0, 0]
    assert (noisy - 0.5).std(dim=(1, 2)).tolist() == pytest.approx([0.25 * factor for factor in scale], rel=0.03)
    with pytest.raises(SpuriousError, match="2 factors for 3 channels"):
        add_noise(grey, ["a"], 0.25, 0, scale=(1.0, 2.0))


def test_views_of_a_batch_are_those_of_its_images():
    images = torch.rand(3, 1, 28, 28, generator=generator("test", "batch"))
    viewer = Viewer(Preprocessing(), SETTINGS, Variant())
    whole = viewer.views(images, ["0", "1", "2"], 0.25, 0)
    single = torch.cat([viewer.views(images[i : i + 1], [str(i)], 0.25, 0) for i in range(3)])
    torch.testing.assert_close(whole, single, atol=1e-6, rtol=0)


def test_a_side_of_many_pixels_needs_no_square_of_them():
    """Pixels are taken 512 at a time: the band is the same as that of one piece, and stays narrow."""
    side = Side(
        length=3000,
        resized=256,
        crop=224,
        interpolation="bilinear",
        antialias=False,
        kernel=5,
        times=2,
        sigma=1.0,
    )
    band = side_band(side)
    assert sum(weights.numel() for _, weights in band) < 224 * 500
    image = picture((3000, 1), channels=1)
    column = torch.cat([weights @ image[0, 0, inputs] for inputs, weights in band])
    wide = image.expand(-1, -1, -1, 9)
    expected = transforms.resize(blur(blur(wide, 5, 1.0), 5, 1.0), [256, 9], antialias=False)[0, 0, 16:240, :1]
    torch.testing.assert_close(column, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("size", "kernel"), list(itertools.product([(1, 1), (2, 300), (300, 2)], [5, 7])))
def test_an_image_too_small_for_the_kernel_is_named(size, kernel):
    viewer = Viewer(IMAGENET, SmoothingSettings(kernels=(kernel,)), Variant())
    message = rf"image tiny\.JPEG: its {size[0]}x{size[1]} pixels are too few for a kernel"
    with pytest.raises(SpuriousError, match=message):
        viewer.views(picture(size), ["tiny.JPEG"], 0.25, 0)


@pytest.mark.parametrize("wrong", [{"crop": 10}, {"resize": 10, "crop": 11}])
def test_a_crop_needs_enough_pixels(wrong):
    with pytest.raises(SpuriousError, match="needs a resize"):
        parse(Preprocessing, wrong)
