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
from PIL import ExifTags, Image, ImageFile, ImageOps

from spurious.data.photographs import (
    FORMATS,
    Properties,
    channel_difference,
    converted_from,
    decode,
    decode_array,
    describe,
    why_grey,
)
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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_orientation_of_tiff_is_told_and_ignored_too(orientation, mode):
    content = encode(COLOURS, "TIFF", mode=mode, exif=turned(orientation))
    np.testing.assert_array_equal(decode_array(content, NAME), decode_array(encode(COLOURS, "TIFF", mode=mode), NAME))
    assert (describe(content, NAME).width, describe(content, NAME).height) == (5, 7)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_orientation_is_told_and_ignored(format):
    content = encode(COLOURS, format, exif=turned(6))
    np.testing.assert_array_equal(decode_array(content, NAME), decode_array(encode(COLOURS, format), NAME))
    assert describe(content, NAME).orientation == 6
    assert (describe(content, NAME).width, describe(content, NAME).height) == (5, 7)
    assert describe(encode(COLOURS, format), NAME).orientation == 1


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_photographs_are_turned_upright_where_it_is_asked_for(format, mode, orientation):
    content = encode(COLOURS, format, mode=mode, exif=turned(orientation))
    straight = Image.open(io.BytesIO(encode(COLOURS, "PNG", mode=mode, exif=turned(orientation))))
    expected = np.asarray(ImageOps.exif_transpose(straight).convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode_array(content, NAME, exif_orientation=True), expected)
    properties = describe(content, NAME, exif_orientation=True)
    assert (properties.height, properties.width, properties.orientation) == (*expected.shape[1:], orientation)
    assert np.array_equal(expected, decode_array(content, NAME)) == (orientation in (0, 1, 9))


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
        assert describe(content, NAME, exif_orientation=True).width == 5


def test_the_first_of_several_pictures():
    first = COLOURS.repeat(8, 0).repeat(8, 1)
    content = encode(first, "MPO", save_all=True, append_images=[Image.fromarray(255 - first)])
    np.testing.assert_array_equal(decode_array(content, NAME), decode_array(encode(first, "JPEG"), NAME))


@pytest.mark.parametrize(
    ("mode", "format", "words"),
    [
        ("L", "JPEG", "grey levels (mode L)"),
        ("LA", "PNG", "grey levels with opaque alpha (mode LA)"),
        ("1", "PNG", "black and white (mode 1)"),
        ("P", "PNG", "a palette (mode P)"),
        ("P", "GIF", "a palette (mode P)"),
        ("RGBA", "PNG", "opaque alpha (mode RGBA)"),
        ("CMYK", "JPEG", "four inks (mode CMYK)"),
        ("CMYK", "TIFF", "four inks (mode CMYK)"),
        ("RGB", "BMP", ""),
        ("RGB", "WEBP", ""),
        ("RGB", "TIFF", ""),
    ],
)
def test_what_has_one_meaning_is_converted(mode, format, words):
    content = encode(COLOURS, format, mode=mode)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    np.testing.assert_array_equal(decode_array(content, NAME), expected.transpose(2, 0, 1))
    found = describe(content, NAME)
    assert (found.mode, converted_from(found.mode)) == (mode, words)
    assert (found.channel_difference == 0) == (mode in ("1", "L", "LA"))


def test_the_first_frame_is_meant():
    content = encode(COLOURS, "GIF", save_all=True, append_images=[Image.fromarray(255 - COLOURS)])
    np.testing.assert_array_equal(decode_array(content, NAME), decode_array(encode(COLOURS, "GIF"), NAME))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_real_transparency_is_refused(mode):
    image = Image.fromarray(COLOURS).convert(mode)
    image.putpixel((2, 3), (9, 9, 9, 254)[-len(mode) :])
    file = io.BytesIO()
    image.save(file, "PNG")
    for call in (decode, describe):
        assert f"transparent in places (mode {mode}); put it on a background" in fails(call, file.getvalue())


@pytest.mark.parametrize(("mode", "colour"), [("P", 0), ("RGB", tuple(COLOURS[0, 0].tolist()))])
def test_a_transparent_colour_is_refused_where_it_occurs(mode, colour):
    image = Image.fromarray(COLOURS).convert(mode)
    if mode == "P":
        image.putpixel((0, 0), 0)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=colour)
    assert "transparent in places" in fails(decode, file.getvalue())


def test_grey_of_sixteen_bits_keeps_its_high_levels():
    levels = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    pixels = decode_array(encode(levels), NAME)
    assert pixels.tolist() == [np.arange(256).reshape(16, 16).tolist()] * 3
    assert converted_from(describe(encode(levels), NAME).mode) == "grey levels (mode I;16)"


def test_grey_of_sixteen_bits_is_rounded_to_the_nearest_level():
    levels = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    np.testing.assert_array_equal(decode_array(encode(levels), NAME)[0], (levels.astype(int) + 128) // 257)


@pytest.mark.parametrize(("colour", "channels", "mode"), [(0, 1, "I;16"), (2, 3, "RGB;16")])
def test_sixteen_bits_become_eight(colour, channels, mode):
    samples = bytes(range(0, 2 * 3 * 2 * channels))
    rows = [samples[: len(samples) // 2], samples[len(samples) // 2 :]]
    content = png(3, 2, 16, colour, b"".join(b"\0" + row for row in rows))
    values = np.frombuffer(samples, ">u2").reshape(2, 3, channels) / 257
    assert abs(decode_array(content, NAME) - values.transpose(2, 0, 1)).max() <= 1
    assert describe(content, NAME).mode == mode


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8", b"<html>not found</html>", encode(COLOURS, "PPM")],
    ids=["empty", "two bytes", "HTML", "PPM"],
)
def test_what_is_no_photograph_is_told(content):
    for call in (decode, describe):
        assert "no JPEG, PNG, WEBP, BMP, GIF or TIFF image" in fails(call, content)


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
    st.sampled_from(FORMATS),
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
    assert why_grey(properties("L", 0.0), 0.1) == "grey levels only (mode L)"
    assert why_grey(properties("L", 0.0), 0.0) == ""
    told = "RGB, but the channels differ by 0.009 of 255 levels in the mean"
    assert why_grey(properties(difference=0.0091), 0.1) == told
    assert why_grey(properties(difference=0.1), 0.1) == ""
    assert why_grey(properties(difference=0.0), 0.0) == ""
