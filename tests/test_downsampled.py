import io
import os
import pickle
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spurious.data.downsampled import parse_batch, shrink
from spurious.errors import SpuriousError

NAME = "some/train_data_batch_1"
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def content(count=5, side=4, first=1):
    generator = np.random.default_rng(count)
    data = generator.integers(0, 256, (count, 3 * side * side), dtype=np.uint8)
    return {"data": data, "labels": (first + np.arange(count)).tolist(), "mean": data.mean(0)}


def pickled(value, protocol=3) -> bytes:
    return pickle.dumps(value, protocol=protocol)


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
    assert "get" in message
    return message


FORMS = [archived, *(lambda value, p=protocol: pickled(value, p) for protocol in PROTOCOLS)]


@pytest.mark.parametrize("form", FORMS, ids=["npz", *(f"pickle {protocol}" for protocol in PROTOCOLS)])
def test_both_forms_give_the_images_with_their_channels_first(form):
    value = content()
    images, labels = parsed(form(value))
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 2, 3, 4, 5]  # as they are numbered
    # the authors' way to read them: three planes, stacked in the last dimension, moved to the front
    planes = np.dstack((value["data"][:, :16], value["data"][:, 16:32], value["data"][:, 32:]))
    np.testing.assert_array_equal(images, planes.reshape(5, 4, 4, 3).transpose(0, 3, 1, 2))


@pytest.mark.parametrize("dtype", ["i1", "<i8", ">i4", "u2"])
def test_labels_may_be_an_array_of_any_whole_numbers(dtype):
    value = content() | {"labels": np.array([3, 1, 2, 1, 5], dtype)}
    for data in (pickled(value), archived(value)):
        assert parsed(data)[1].tolist() == [3, 1, 2, 1, 5]


def test_labels_may_be_numpys_numbers_and_arrays_in_any_order():
    value = content()
    value |= {"labels": list(np.arange(1, 6)), "data": np.asfortranarray(value["data"])}
    images, labels = parsed(pickled(value))
    assert labels.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(images.reshape(5, -1), value["data"])


def test_a_pickle_of_python_2_is_read():
    """Protocol 2 of Python 2 has arrays' bytes as a str, which must be read as latin-1."""
    data = bytes(range(200, 248))
    text = b"(dp0\nS'data'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntS'b'\ntRp4\n"
    text += b"(I1\n(I1\nI48\ntcnumpy\ndtype\np5\n(S'u1'\nI0\nI1\ntRp6\n(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\n"
    text += b"T" + struct.pack("<I", len(data)) + data + b"tbsS'labels'\n(lp7\nI7\nas."
    images, labels = parsed(text)
    assert images.tobytes() == data
    assert labels.tolist() == [7]


class Calls:
    """What a hostile pickle does: a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("function", [os.system, eval, open])
def test_no_code_of_a_pickle_is_run(tmp_path, function, protocol):
    witness = tmp_path / "run"
    arguments = {os.system: (f"touch {witness}",), eval: (f"open({str(witness)!r}, 'w')",), open: (str(witness), "w")}
    data = pickled(content() | {"mean": Calls(function, *arguments[function])}, protocol)
    assert "which is refused" in fails(data)
    assert not witness.exists()
    pickle.loads(data)
    assert witness.exists()  # it would have been


@pytest.mark.parametrize(
    "name",
    ["numpy\nload", "numpy.core.multiarray\nfromfile", "numpy._core.multiarray\narray", "builtins\ngetattr"],
)
def test_numpys_other_names_are_refused_too(name):
    assert name.replace("\n", ".") in fails(b"c" + name.encode() + b"\n.")


@pytest.mark.parametrize("dtype", ["O", "V8", "S3", "M8[s]", "c16"])
def test_arrays_of_anything_but_numbers_are_refused(dtype):
    fails(pickled(content() | {"labels": np.zeros(5, dtype)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [1, 2]}, r"one whole number for each of the 5 images"),
        ({"labels": [1.5] * 5}, r"float64"),
        ({"labels": [[1], [2, 3], 4, 5, 6]}, r"not a batch file"),
        ({"labels": "12345"}, r"not one whole number"),
        ({"data": np.zeros((5, 48), np.float32)}, r"'data' is float32"),
        ({"data": np.zeros((5, 3, 4, 4), np.uint8)}, r"'data' is uint8 \(5, 3, 4, 4\)"),
        ({"data": np.zeros((5, 50), np.uint8)}, r"50 numbers an image"),
        ({"data": np.zeros((0, 48), np.uint8), "labels": []}, r"'data' is uint8 \(0, 48\)"),
        ({"data": None}, r"'data' is object"),
    ],
)
def test_what_is_no_batch_file_is_told(change, message):
    assert re.search(message, fails(pickled(content() | change)))


@pytest.mark.parametrize("form", [archived, pickled])
@pytest.mark.parametrize("missing", ["data", "labels"])
def test_a_missing_key_is_told(form, missing):
    value = content()
    del value[missing]
    assert missing in fails(form(value))


@pytest.mark.parametrize("form", [archived, pickled])
@given(share=st.floats(0, 0.99))
def test_every_truncated_file_is_told(form, share):
    data = form(content(20))
    fails(data[: int(share * len(data))])


@given(st.binary(max_size=200))
def test_any_other_bytes_are_told(data):
    fails(data)
    fails(b"PK" + data)


def test_a_header_that_claims_too_much_is_told():
    data = pickled(content(), 3)
    shape = data.index(b"K\x05K0")  # (5, 48)
    fails(data[:shape] + b"J\xff\xff\xff\x7fK0" + data[shape + 4 :])


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


def test_a_pixel_is_the_mean_of_its_box_and_the_aspect_is_not_kept():
    means = PIXELS.reshape(4, 3, 4, 5, 3).mean((1, 3)).transpose(2, 0, 1)
    small = shrink(encoded(PIXELS), NAME, 4)
    assert small.shape == (3, 4, 4)
    assert small.dtype == np.uint8
    assert abs(small - means).max() <= 1  # each of the two passes rounds


def test_grey_photographs_have_three_equal_channels():
    small = shrink(encoded(PIXELS, mode="L"), NAME, 4)
    assert (small == small[0]).all()
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
    np.testing.assert_array_equal(shrink(encoded(PIXELS, exif=exif), NAME, 4), shrink(encoded(PIXELS), NAME, 4))


@pytest.mark.parametrize("data", [b"", b"GIF89a", encoded(PIXELS)[:200]], ids=["empty", "GIF", "cut off"])
def test_an_unreadable_photograph_is_told(data):
    with pytest.raises(SpuriousError, match=rf"^{NAME}: [^\n]*; get"):
        shrink(data, NAME, 4)
