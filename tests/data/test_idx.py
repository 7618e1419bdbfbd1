import gzip
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurious.data.idx import parse_images, parse_labels, unpack
from spurious.errors import SpuriousError

IMAGES, LABELS = 0x0803, 0x0801


def idx(magic: int, sizes: tuple[int, ...], data: bytes) -> bytes:
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + data


def fails(call, *arguments) -> str:
    """The message of the expected SpuriousError, which is one line that starts with the file's name."""
    with pytest.raises(SpuriousError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("some/file:")
    return message


def test_images_keep_their_order():
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 1, 3, 4)
    images = parse_images(idx(IMAGES, (2, 3, 4), pixels.tobytes()), "some/file")
    np.testing.assert_array_equal(images.numpy(), pixels)
    assert images.numpy().dtype == np.uint8


def test_labels_are_int64():
    labels = parse_labels(idx(LABELS, (3,), b"\x07\x00\xff"), "some/file")
    assert labels.tolist() == [7, 0, 255]
    assert labels.numpy().dtype == np.int64


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "too few"),
        (idx(IMAGES, (1, 2), b""), "too few"),
        (idx(LABELS, (8, 0, 0), b""), "magic number 2049 instead of 2051"),
        (idx(0x0D03, (1, 1, 1), bytes(4)), "element type 0x0d"),
        (idx(0x10803, (1, 1, 1), b"\0"), "magic number"),
        (idx(IMAGES, (2, 2, 2), bytes(7)), "7 bytes of data where 2x2x2 are announced"),
        (idx(IMAGES, (2, 2, 2), bytes(9)), "9 bytes"),
        (idx(IMAGES, (2**32 - 1,) * 3, bytes(9)), "announced"),
        (idx(IMAGES, (2**32 - 1, 0, 0), b""), "holds no images"),
    ],
)
def test_bad_images_are_told(content, told):
    message = fails(parse_images, content, "some/file")
    assert told in message
    assert "config.yaml" in message


def test_images_are_no_labels():
    assert "no IDX labels" in fails(parse_labels, idx(IMAGES, (1, 1, 1), b"\0"), "some/file")


def test_unpack_gzip_of_several_members_and_anything_else():
    assert unpack(gzip.compress(b"one") + gzip.compress(b"two"), "some/file") == b"onetwo"
    assert unpack(b"plain", "some/file") == b"plain"
    assert unpack(b"", "some/file") == b""


@pytest.mark.parametrize("damage", [lambda g: g[:-9], lambda g: g[:2], lambda g: g[:40] + b"!" + g[41:]])
def test_damaged_gzip_is_told(damage):
    packed = gzip.compress(np.random.default_rng(0).bytes(1000))
    assert "get the file again" in fails(unpack, damage(packed), "some/file")


def test_unpacked_size_is_bounded():
    assert "exceeds 1000000 bytes" in fails(lambda: unpack(gzip.compress(bytes(10**7)), "some/file", most=10**6))


@given(st.binary(max_size=200))
def test_bytes_unpack_to_themselves_and_what_looks_packed_is_told(content):
    if not content.startswith(b"\x1f\x8b"):
        assert unpack(content, "some/file") == content
    assert unpack(gzip.compress(content), "some/file") == content
    fails(unpack, b"\x1f\x8b\x08" + content, "some/file")


@given(st.lists(st.integers(0, 4), max_size=4), st.binary(max_size=70), st.sampled_from([IMAGES, LABELS, 0x0802, 0]))
def test_what_is_parsed_has_the_announced_form_and_all_else_is_told(sizes, data, magic):
    """Numbers of the right kind, as many as the sizes multiply to, at least one; and their order."""
    for parse, wanted, dimensions in ((parse_images, IMAGES, 3), (parse_labels, LABELS, 1)):
        content = idx(magic, tuple(sizes), data)
        header = 4 + 4 * dimensions
        announced = struct.unpack(f">{dimensions}I", content[4:header]) if len(content) >= header else (0,)
        if magic == wanted and 0 < math.prod(announced) == len(content) - header:
            pixels = list(content[header:])
            assert parse(content, "some/file").flatten().tolist() == pixels
        else:
            fails(parse, content, "some/file")


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.data())
def test_images_of_every_size_are_parsed(count, height, width, data):
    pixels = data.draw(st.binary(min_size=count * height * width, max_size=count * height * width))
    images = parse_images(idx(IMAGES, (count, height, width), pixels), "some/file")
    assert images.shape == (count, 1, height, width)
    assert bytes(images.flatten().tolist()) == pixels
