"""Every kind of view against an independent reference, and what all of them promise."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.registry import parse
from spurious.seeding import generator
from spurious.views.kinds import View, words_of

IMAGES = torch.rand(2, 3, 17, 22, generator=generator("test", "kinds"))
KINDS = ["ns", "ss", "ds", "median", "bilateral", "jpeg", "bits"]


def view(kind, **parameters):
    return parse(View, {"kind": kind, **parameters})


def smooth_picture(side=64):
    """Coloured gradients (1, 3, side, side), as a photograph has them."""
    x, y = torch.meshgrid(*[torch.linspace(0, 1, side)] * 2, indexing="ij")
    return torch.stack([x, 0.5 + 0.4 * torch.sin(6 * y), 0.5 * (x + y)])[None]


def test_these_are_all_kinds():
    assert sorted(kind for kind, cls in View.kinds.items() if cls.__module__.startswith("spurious.")) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_is_an_image_of_the_same_size_whatever_its_batch(kind):
    before = IMAGES.clone()
    seen = view(kind)(IMAGES, 5, 1.0)
    assert seen.shape == IMAGES.shape
    assert seen.dtype == torch.float32
    assert -1e-6 <= seen.min() <= seen.max() <= 1 + 1e-6
    assert torch.equal(IMAGES, before)
    torch.testing.assert_close(seen[1:], view(kind)(IMAGES[1:], 5, 1.0), atol=1e-6, rtol=0)
    assert torch.equal(seen, IMAGES) == (kind == "ns")


@pytest.mark.parametrize("kind", KINDS)
def test_only_blurs_depend_on_the_kernel(kind):
    chosen = view(kind)
    same = torch.equal(chosen(IMAGES, 5, 1.0), chosen(IMAGES, 7, 2.0))
    assert same == (not chosen.swept)


@pytest.mark.parametrize("size", [3, 5])
def test_median_is_that_of_scipy(size):
    expected = ndimage.median_filter(IMAGES.numpy(), size=(1, 1, size, size), mode="mirror")
    assert np.array_equal(view("median", size=size)(IMAGES, None, 1.0).numpy(), expected)


def slow_bilateral(image, size, distance, contrast):
    """Pixel by pixel over an image (C, H, W)."""
    reach = size // 2
    padded = np.pad(image, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
    steps = np.arange(size) - reach
    near = np.exp(-(steps[:, None] ** 2 + steps[None] ** 2) / (2 * distance**2))
    found = np.empty_like(image)
    for row, column in np.ndindex(image.shape[1:]):
        window = padded[:, row : row + size, column : column + size]
        colour = np.abs(window - image[:, row, column][:, None, None]).sum(0)
        weights = near * np.exp(-(colour**2) / (2 * contrast**2))
        found[:, row, column] = (window * weights).sum((1, 2)) / weights.sum()
    return found


def test_bilateral_is_the_slow_reference():
    seen = view("bilateral", size=5, distance=1.5, contrast=0.3)(IMAGES[:1], None, 1.0)[0]
    expected = slow_bilateral(IMAGES[0].double().numpy(), 5, 1.5, 0.3)
    torch.testing.assert_close(seen.double(), torch.from_numpy(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("bits", [1, 2, 4, 7])
def test_fewer_bits_are_the_highest_of_the_eight(bits):
    levels = torch.arange(256)
    seen = view("bits", bits=bits)((levels / 255).view(1, 1, 16, 16), None, 1.0).flatten() * 255
    assert torch.equal(seen.round().long(), levels >> (8 - bits) << (8 - bits))
    outside = view("bits", bits=bits)(torch.tensor([[[[-0.3, 1.7]]]]), None, 1.0).flatten() * 255
    assert outside.round().tolist() == [0, 256 - 2 ** (8 - bits)]


@pytest.mark.parametrize("quality", [50, 90])
def test_jpeg_is_nearly_that_of_pillow(quality):
    picture = smooth_picture()
    file = io.BytesIO()
    Image.fromarray((picture[0].permute(1, 2, 0) * 255).round().byte().numpy()).save(file, "JPEG", quality=quality)
    decoded = torch.from_numpy(np.array(Image.open(file)) / np.float32(255)).permute(2, 0, 1)
    seen = view("jpeg", quality=quality)(picture, None, 1.0)[0]
    assert (seen - decoded).abs().mean() < 0.005


def test_jpeg_of_lower_quality_changes_more_and_grey_stays_grey():
    changes = [(view("jpeg", quality=q)(IMAGES, None, 1.0) - IMAGES).abs().mean().item() for q in (10, 50, 95)]
    assert changes == sorted(changes, reverse=True)
    grey = smooth_picture()[:, :1]
    in_colour = view("jpeg")(grey.expand(-1, 3, -1, -1), None, 1.0)
    assert view("jpeg")(grey, None, 1.0).shape == grey.shape
    torch.testing.assert_close(view("jpeg")(grey, None, 1.0).expand(-1, 3, -1, -1), in_colour, atol=0.01, rtol=0)
    with pytest.raises(SpuriousError, match="the view 'jpeg' codes images of 1 or 3 channels, not 2; leave it out"):
        view("jpeg")(IMAGES[:, :2], None, 1.0)


@pytest.mark.parametrize("kind", ["median", "bilateral"])
def test_a_window_larger_than_the_image_is_refused(kind):
    with pytest.raises(SpuriousError, match="its 17x22 pixels are too few for a kernel of 41"):
        view(kind, size=41)(IMAGES, None, 1.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("medan", "'medan' is not allowed: .*did you mean 'median'"),
        ({"kind": "median", "size": 4}, "size: 4 is not allowed: side of the window in pixels, an odd number"),
        ({"kind": "median", "size": 1}, "size: 1 is not allowed: side of the window"),
        ({"kind": "bilateral", "contrast": 0.0}, "contrast: 0.0 is not allowed: standard deviation of the colours'"),
        ({"kind": "jpeg", "quality": 101}, "quality: 101 is not allowed: quality of the JPEG"),
        ({"kind": "jpeg", "qualty": 90}, "unknown key 'qualty'; did you mean 'quality'"),
        ({"kind": "bits", "bits": 8}, "bits: 8 is not allowed: bits of a channel that are kept"),
        ({"kind": "bits", "name": "Bits"}, "name: 'Bits' is not allowed: name of its columns"),
        ({"kind": "bits", "name": "ns"}, "name: 'ns' is the name of another kind of view"),
        *[
            ({"kind": "bits", "name": name}, f"name: '{name}' is not allowed: the tables have such a column")
            for name in ("maj", "decision", "p_ns", "ns_low", "vote", "class")
        ],
    ],
)
def test_wrong_views_are_refused_in_one_line(value, message):
    with pytest.raises(SpuriousError, match=message) as caught:
        parse(View, value, "smoothing.views[0]")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (["ns", "ns"], "^views: two views are called 'ns'"),
        (["ns", {"kind": "median", "name": "m"}, {"kind": "bits", "name": "m"}], "two views are called 'm'"),
        ([], r"^views: \[\] is not allowed: the views that vote"),
    ],
)
def test_views_have_columns_of_their_own(views, message):
    with pytest.raises(SpuriousError, match=message):
        parse(SmoothingSettings, {"views": views})


def test_words_are_those_of_the_kind_or_the_column():
    assert [words_of(name) for name in ("ns", "median", "median5")] == ["not blurred", "median-filtered", "median5"]
