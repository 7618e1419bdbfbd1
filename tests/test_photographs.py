import io
import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFile

from spurious.data.photographs import Properties, channel_difference, decode, decode_array, describe, why_grey
from spurious.errors import SpuriousError

NAME = "some/photo's.JPEG"
COLOURS = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)


# The orientation as the text "up".
EXIF_OF_WORDS = b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, ExifTags.Base.Orientation, 2, 4, b"up\0\0", 0)


def encode(pixels, format="PNG", mode=None, **options) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(np.asarray(pixels))
    (image.convert(mode) if mode else image).save(file, format, **options)
    return file.getvalue()


def png(width, height, depth, colour, data=b"") -> bytes:
    """A PNG file of its parts: Pillow writes no RGB of 16 bits, and no header that lies."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def jpeg_that_claims(width, height) -> bytes:
    content = bytearray(encode(COLOURS, "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def turned(orientation) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def fails(call, content) -> str:
    """The message of the expected SpuriousError, which is one line that starts with the file's name."""
    with pytest.raises(SpuriousError) as caught:
        call(content, NAME)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{NAME}: ")
    return message


def test_pixels_are_channels_first():
    pixels = decode(encode(COLOURS), NAME)
    assert pixels.dtype == torch.uint8
    assert pixels.is_contiguous()
    np.testing.assert_array_equal(pixels.numpy(), COLOURS.transpose(2, 0, 1))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3000, 4000)])
def test_any_size(shape):
    pixels = np.arange(np.prod(shape) * 3, dtype=np.uint32).astype(np.uint8).reshape(*shape, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns of memory that must not be written to
        decoded = decode(encode(pixels, compress_level=1), NAME)
    np.testing.assert_array_equal(decoded.numpy(), pixels.transpose(2, 0, 1))
    assert describe(encode(pixels, compress_level=1), NAME).width == shape[1]


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_what_pillow_decodes(progressive):
    content = encode(COLOURS.repeat(8, 0).repeat(8, 1), "JPEG", progressive=progressive)
    expected = np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode_array(content, NAME), expected)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_orientation_is_told_and_ignored(format):
    content = encode(COLOURS, format, exif=turned(6))
    np.testing.assert_array_equal(decode_array(content, NAME), decode_array(encode(COLOURS, format), NAME))
    assert describe(content, NAME).orientation == 6
    assert (describe(content, NAME).width, describe(content, NAME).height) == (5, 7)
    assert describe(encode(COLOURS, format), NAME).orientation == 1


@pytest.mark.parametrize("format", ["JPEG", "PNG"])  # as PNG, Pillow raises for the second and third
@pytest.mark.parametrize(
    "damaged",
    [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0", b"Exif\0\0II*\0" + b"\xff" * 30, EXIF_OF_WORDS],
    ids=range(5),
)
def test_damaged_exif_is_no_damage_to_the_image(damaged, format):
    content = encode(COLOURS, format, exif=damaged)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert describe(content, NAME).orientation == 1


def test_the_first_of_several_pictures():
    first = COLOURS.repeat(8, 0).repeat(8, 1)
    content = encode(first, "MPO", save_all=True, append_images=[Image.fromarray(255 - first)])
    np.testing.assert_array_equal(decode_array(content, NAME), decode_array(encode(first, "JPEG"), NAME))


@pytest.mark.parametrize(
    ("mode", "format", "told"),
    [
        ("L", "JPEG", "grey levels (mode L)"),
        ("LA", "PNG", "grey levels with transparency (mode LA)"),
        ("1", "PNG", "black and white (mode 1)"),
        ("P", "PNG", "a palette (mode P)"),
        ("RGBA", "PNG", "transparency (mode RGBA)"),
        ("CMYK", "JPEG", "four inks (mode CMYK)"),
    ],
)
def test_other_modes_are_refused(mode, format, told):
    content = encode(COLOURS, format, mode=mode)
    message = fails(decode, content)
    assert told in message
    assert message.endswith("convert it to RGB")
    if mode in ("1", "L", "LA"):
        assert describe(content, NAME).mode == mode
        assert describe(content, NAME).channel_difference == 0
    else:
        assert fails(describe, content) == message


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_refused(colour, channels):
    content = png(3, 2, 16, colour, 2 * (b"\0" + bytes(range(3 * 2 * channels))))
    assert Image.open(io.BytesIO(content)).load() is not None  # Pillow has no objection
    for call in (decode, describe):
        assert "16 bits per channel" in fails(call, content)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8", b"<html>not found</html>", encode(COLOURS, "BMP"), encode(COLOURS, "GIF")],
    ids=["empty", "two bytes", "HTML", "BMP", "GIF"],
)
def test_what_is_no_photograph_is_told(content):
    for call in (decode, describe):
        assert "no JPEG or PNG image" in fails(call, content)


@pytest.mark.parametrize(("format", "spare"), [("JPEG", 0), ("PNG", 20)])
def test_every_truncation_is_told(format, spare):
    """But for a PNG's last bytes, checksums behind the pixels."""
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    content = encode(COLOURS, format)
    for length in range(len(content) - spare):
        fails(decode, content[:length])
        fails(describe, content[:length])


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
    st.sampled_from(["JPEG", "PNG"]),
)
def test_damage_is_told_or_decodes(changes, format):
    content = bytearray(encode(COLOURS, format, exif=turned(3)))
    for place, value in changes:
        content[place % len(content)] = value
    try:
        assert describe(bytes(content), NAME).width > 0
    except SpuriousError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize(
    "content",
    [
        png(10_000, 10_000, 8, 2),
        png(2**31 - 1, 2**31 - 1, 8, 2),
        png(100_000, 1000, 1, 0),
        jpeg_that_claims(65_500, 65_500),
    ],
    ids=["warned of", "larger than memory", "one bit", "JPEG"],
)
def test_headers_that_claim_too_much_are_told(content):
    assert Image.MAX_IMAGE_PIXELS == 89_478_485  # where Pillow begins to warn, not twice that
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (decode, describe):
            assert "more than 89 million pixels" in fails(call, content)


@pytest.fixture
def restless_threads():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_judge_alike_and_leave_the_filters_of_warnings(restless_threads):
    before = list(warnings.filters)
    good, trap = encode(COLOURS), png(10_000, 10_000, 8, 2)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(describe, content, NAME) for _ in range(100) for content in (good, trap)]
    assert {type(call.exception()) for call in calls[0::2]} == {type(None)}
    assert {type(call.exception()) for call in calls[1::2]} == {SpuriousError}
    assert warnings.filters == before


def test_channel_difference_by_hand():
    pixels = np.uint8([[[0, 255, 1], [9, 9, 9]], [[4, 3, 3], [3, 3, 5]]])
    assert channel_difference(pixels) == (255 + 254 + 0 + 1 + 2) / 4
    swapped = np.ascontiguousarray(pixels[..., ::-1])
    assert channel_difference(swapped) == channel_difference(pixels)


def test_channel_difference_equals_the_slow_one():
    red, green, blue = COLOURS.astype(float).transpose(2, 0, 1)
    expected = np.mean(np.abs(red - green) + np.abs(green - blue))
    assert describe(encode(COLOURS), NAME).channel_difference == pytest.approx(expected, rel=1e-12)


def properties(mode="RGB", difference=5.0) -> Properties:
    return Properties(width=1, height=1, mode=mode, orientation=1, channel_difference=difference)


def test_reasons_in_words():
    assert why_grey(properties(), 0.1) == ""
    assert why_grey(properties("L", 0.0), 0.0) == "grey levels only (mode L)"
    told = "RGB, but the channels differ by 0.009 of 255 levels in the mean"
    assert why_grey(properties(difference=0.0091), 0.1) == told
    assert why_grey(properties(difference=0.1), 0.1) == ""
    assert why_grey(properties(difference=0.0), 0.0) == ""
