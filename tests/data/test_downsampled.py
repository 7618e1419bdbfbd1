import io
import os
import pickle
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spurious.data import downsampled
from spurious.data.downsampled import parse_batch
from spurious.errors import SpuriousError

NAME = "some/train_data_batch_1"


def content(count=5, side=4, first=1):
    generator = np.random.default_rng(count)
    data = generator.integers(0, 256, (count, 3 * side * side), dtype=np.uint8)
    return {"data": data, "labels": (first + np.arange(count)).tolist(), "mean": data.mean(0)}


def archived(value) -> bytes:
    file = io.BytesIO()
    np.savez(file, **value)
    return file.getvalue()


def parsed(data: bytes):
    return parse_batch(io.BytesIO(data), NAME)


def fails(data: bytes) -> str:
    with pytest.raises(SpuriousError) as caught:
        parsed(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{NAME}: ")
    assert "get" in message or "convert" in message
    return message


def test_an_archive_gives_the_images_with_their_channels_first():
    value = content()
    images, labels = parsed(archived(value))
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 2, 3, 4, 5]  # as they are numbered
    # the authors' way to read them: three planes, stacked in the last dimension, moved to the front
    planes = np.dstack((value["data"][:, :16], value["data"][:, 16:32], value["data"][:, 32:]))
    np.testing.assert_array_equal(images, planes.reshape(5, 4, 4, 3).transpose(0, 3, 1, 2))


@pytest.mark.parametrize("dtype", ["i1", "<i8", ">i4", "u2"])
def test_labels_may_be_an_array_of_any_whole_numbers(dtype):
    assert parsed(archived(content() | {"labels": np.array([3, 1, 2, 1, 5], dtype)}))[1].tolist() == [3, 1, 2, 1, 5]


def test_arrays_may_be_in_any_order():
    value = content()
    images, _ = parsed(archived(value | {"data": np.asfortranarray(value["data"])}))
    np.testing.assert_array_equal(images.reshape(5, -1), value["data"])


class Calls:
    """What a hostile pickle does: a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_unread_and_its_error_says_how_to_convert_it(tmp_path, protocol):
    path, witness = tmp_path / "train data 1", tmp_path / "run"
    hostile = pickle.dumps(content() | {"mean": Calls(os.system, f"touch {witness}")}, protocol)
    assert "not an .npz archive" in fails(hostile)
    assert not witness.exists()
    value = content()
    path.write_bytes(pickle.dumps(value, protocol))
    with path.open("rb") as file, pytest.raises(SpuriousError) as caught:
        parse_batch(file, str(path))
    _, *arguments = shlex.split(str(caught.value).partition("instead: ")[2])
    subprocess.run([sys.executable, *arguments], check=True)
    images, labels = parsed(path.with_name("train data 1.npz").read_bytes())
    np.testing.assert_array_equal(images.reshape(5, -1), value["data"])
    assert labels.tolist() == value["labels"]


@pytest.mark.parametrize("dtype", ["O", "V8", "S3", "M8[s]", "c16"])
def test_arrays_of_anything_but_numbers_are_refused(dtype):
    fails(archived(content() | {"labels": np.zeros(5, dtype)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [1, 2]}, r"one whole number for each of the 5 images"),
        ({"labels": [1.5] * 5}, r"float64"),
        ({"labels": np.array([[1], [2, 3], 4, 5, 6], object)}, r"not a batch file"),
        ({"labels": "12345"}, r"not one whole number"),
        ({"data": np.zeros((5, 48), np.float32)}, r"'data' is float32"),
        ({"data": np.zeros((5, 3, 4, 4), np.uint8)}, r"'data' is uint8 \(5, 3, 4, 4\)"),
        ({"data": np.zeros((5, 50), np.uint8)}, r"50 numbers an image"),
        ({"data": np.zeros((0, 48), np.uint8), "labels": []}, r"'data' is uint8 \(0, 48\)"),
        ({"data": None}, r"not a batch file"),
    ],
)
def test_what_is_no_batch_file_is_told(change, message):
    assert re.search(message, fails(archived(content() | change)))


@pytest.mark.parametrize("missing", ["data", "labels"])
def test_a_missing_key_is_told(missing):
    value = content()
    del value[missing]
    assert missing in fails(archived(value))


@given(share=st.floats(0, 0.99))
def test_every_truncated_file_is_told(share):
    data = archived(content(20))
    fails(data[: int(share * len(data))])


@given(st.binary(max_size=200))
def test_any_other_bytes_are_told(data):
    fails(data)
    fails(b"PK" + data)


def test_an_archive_with_pickled_objects_is_refused(tmp_path):
    witness = tmp_path / "run"
    hostile = np.array([Calls(os.system, f"touch {witness}")] * 5, dtype=object)
    fails(archived(content() | {"labels": hostile}))
    assert not witness.exists()


def encoded(pixels, form="PNG", mode=None, **options) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, form, **options)
    return file.getvalue()


PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def shrink(content, name, size, **options):
    return downsampled.shrink(content, name, size, **options)[0]


def test_a_pixel_is_the_mean_of_its_box_and_the_aspect_is_not_kept():
    means = PIXELS.reshape(4, 3, 4, 5, 3).mean((1, 3)).transpose(2, 0, 1)
    small = shrink(encoded(PIXELS), NAME, 4)
    assert small.shape == (3, 4, 4)
    assert small.dtype == np.uint8
    assert abs(small - means).max() <= 1  # each of the two passes rounds


def test_grey_photographs_have_three_equal_channels():
    small = shrink(encoded(PIXELS, mode="L"), NAME, 4)
    assert (small == small[0]).all()
    assert downsampled.shrink(encoded(PIXELS, mode="L"), NAME, 4)[1] == "L"
    assert small.std() > 0


@pytest.mark.parametrize(
    ("form", "mode"), [("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "1")]
)
def test_every_mode_of_imagenet_becomes_rgb(form, mode):
    flat = np.full((12, 20, 3), 255, np.uint8)
    small = shrink(encoded(flat, form, mode), NAME, 4)
    assert small.shape == (3, 4, 4)
    assert small.min() >= 250


def test_orientation_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(PIXELS, exif=exif)
    np.testing.assert_array_equal(shrink(content, NAME, 4), shrink(encoded(PIXELS), NAME, 4))
    upright = shrink(encoded(np.rot90(PIXELS, -1)), NAME, 4)
    np.testing.assert_array_equal(shrink(content, NAME, 4, exif_orientation=True), upright)


@pytest.mark.parametrize("data", [b"", b"GIF89a", encoded(PIXELS)[:200]], ids=["empty", "GIF", "cut off"])
def test_an_unreadable_photograph_is_told(data):
    with pytest.raises(SpuriousError, match=rf"^{NAME}: [^\n]*; get"):
        shrink(data, NAME, 4)
