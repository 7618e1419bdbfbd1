"""Photographs: the bytes of an image file to RGB pixels, and which of them have no colour."""

import contextlib
import io
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from spurious.errors import SpuriousError, reason_of
from spurious.wording import plural

if TYPE_CHECKING:  # the list of photographs is made without importing torch
    import torch

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".jpeg", ".jpg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
GREY = ("1", "L", "LA", "I")  # Pillow's modes without colour; A is transparency, I what it calls grey of 16 bits
_CONVERTED = {
    "1": "black and white",
    "L": "grey levels",
    "LA": "grey levels with opaque alpha",
    "I": "grey levels",
    "P": "a palette",
    "PA": "a palette",
    "RGB": "16 bits per channel",
    "RGBA": "opaque alpha",
    "CMYK": "four inks",
    "YCbCr": "luminance and chrominance",
}
_UNTURNED = {  # by EXIF's orientation: what undoes Pillow's turning
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_TURNED = _UNTURNED | {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}  # the others undo themselves
_PILLOWS_WARNINGS = threading.Lock()  # Python's filters belong to the whole process


class PhotographSource(Protocol):
    """Photographs that are read when they are asked for: `ids` (N,) names them, `labels` int64 (N,)."""

    ids: Sequence[str]
    labels: "torch.Tensor"

    def load(self, index: int) -> "torch.Tensor":
        """One photograph, uint8 (3, H, W)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Properties:
    """What is known of a photograph: `mode` is Pillow's, `orientation` EXIF's (1 is upright, or none is given).

    `channel_difference` is the mean of |R - G| + |G - B| over all pixels, in levels of 0..255; 0 for grey modes.
    """

    width: int
    height: int
    mode: str
    orientation: int
    channel_difference: float


def decode(content: bytes, name: str, *, exif_orientation: bool = False) -> "torch.Tensor":
    """The pixels of an RGB image, uint8 (3, H, W); as `decode_array`."""
    import torch

    return torch.from_numpy(decode_array(content, name, exif_orientation=exif_orientation))


def decode_array(content: bytes, name: str, *, exif_orientation: bool = False) -> np.ndarray:
    """The pixels of a photograph in RGB with 8 bits per channel, uint8 (3, H, W), contiguous and writable.

    As they are stored: EXIF's orientation and colour profiles are ignored, as torchvision's ToTensor does; with
    `exif_orientation` the picture is turned upright. Of several pictures in one file the first one is meant. What has
    one meaning is converted: grey levels, palettes, four inks, alpha that is opaque everywhere, 16 bits. Raises
    SpuriousError, naming `name`, for what has none of FORMATS, is cut off or damaged (as far as Pillow tells: it takes
    broken JPEG data inside a complete file), is transparent somewhere, has another mode, or more pixels than
    Image.MAX_IMAGE_PIXELS, 89 million. That is seen in the header, before memory is taken; at the limit it is 0.85 GB
    for a moment, 1.1 GB where malloc keeps freed memory, as in the pipeline.
    """
    return open_photograph(content, name, exif_orientation=exif_orientation).pixels


def describe(content: bytes, name: str, *, exif_orientation: bool = False) -> Properties:
    """Size, mode and colour of a whole photograph; the size is that of `decode_array`, which says what is raised."""
    image, mode, orientation = open_photograph(content, name, exif_orientation=exif_orientation)
    return Properties(
        width=image.width,
        height=image.height,
        mode=mode,
        orientation=orientation,
        channel_difference=channel_difference(np.asarray(image)),
    )


def converted_from(mode: str) -> str:
    """What a photograph of this mode was before it became RGB, in words; empty for RGB."""
    return "" if mode == "RGB" else f"{_CONVERTED[mode.partition(';')[0]]} (mode {mode})"


def conversions(modes: Iterable[str]) -> str | None:
    """How many photographs of these modes become RGB, and what they were, in words; None where all are RGB."""
    counts = Counter(filter(None, map(converted_from, modes)))
    if not counts:
        return None
    listed = ", ".join(f"{count} of {words}" for words, count in counts.most_common())
    return f"{plural(counts.total(), 'photograph')} converted to RGB: {listed}"


def channel_difference(pixels: np.ndarray) -> float:
    """The mean of |R - G| + |G - B| over uint8 pixels (H, W, 3), in levels of 0..255."""
    total = 0
    for first, second in ((0, 1), (1, 2)):
        a, b = pixels[..., first], pixels[..., second]
        total += int((np.maximum(a, b) - np.minimum(a, b)).sum(dtype=np.int64))  # unsigned: a - b would wrap
    return total / (pixels.size // 3)


def why_grey(properties: Properties, grey_below: float) -> str:
    """Why a photograph is left out as grey, in words; empty where it is kept.

    It is where its channel difference is less than `grey_below` levels; with 0 none is.
    """
    if grey_below > 0 and properties.mode.partition(";")[0] in GREY:
        return f"grey levels only (mode {properties.mode})"
    if properties.channel_difference < grey_below:
        return f"RGB, but the channels differ by {properties.channel_difference:.3f} of 255 levels in the mean"
    return ""


class Photograph(NamedTuple):
    """A picture in RGB, the mode that it had (Pillow's, with ";16" where it had 16 bits), and its EXIF orientation."""

    image: Image.Image
    mode: str
    orientation: int

    @property
    def pixels(self) -> np.ndarray:
        """uint8 (3, H, W), contiguous and writable."""
        return np.asarray(self.image).transpose(2, 0, 1).copy()


def open_photograph(content: bytes, name: str, *, exif_orientation: bool = False) -> Photograph:
    """The first picture of a file; turned upright with `exif_orientation`. Raises SpuriousError as `decode_array`."""
    with _told(name), _judged_warnings():
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    # Pillow reads an RGB image of 16 bits as one of 8 without a word; only how it is packed tells, before it is loaded.
    sixteen = ";16" in image.mode or any(";16" in str(tile.args) for tile in image.tile)
    mode = f"{image.mode.partition(';')[0]};16" if sixteen else image.mode
    if mode.partition(";")[0] not in _CONVERTED or mode == "I":
        raise SpuriousError(f"{name}: other colours (mode {mode}) instead of RGB; convert it to RGB")
    with _told(name):  # without the lock of the warnings: threads decode at the same time
        image = _loaded(image)
        orientation = _orientation(image)
        rgb = _to_rgb(image, sixteen)
    if rgb is None:
        raise SpuriousError(f"{name}: transparent in places (mode {mode}); put it on a background of your choice")
    if exif_orientation and orientation in _TURNED:
        rgb = rgb.transpose(_TURNED[orientation])
    return Photograph(rgb, mode, orientation)


def _loaded(image: Image.Image) -> Image.Image:
    """The image with its pixels as they are stored: Pillow turns TIFF, and no other format, as EXIF says."""
    if image.format != "TIFF":
        image.load()
        return image
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    image.load()
    if orientation not in _UNTURNED:
        return image
    stored = image.transpose(_UNTURNED[orientation])
    stored.getexif()[ExifTags.Base.Orientation] = orientation
    return stored


def _to_rgb(image: Image.Image, sixteen: bool) -> Image.Image | None:
    """A loaded image in RGB; None where it is transparent anywhere."""
    if sixteen and image.mode.startswith("I"):
        levels = np.rint(np.asarray(image).astype(np.float32) / 257).astype(np.uint8)
        return Image.fromarray(levels).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            return None
    if image.mode == "RGB":
        return image
    rgb = image.convert("RGB")
    rgb.info.update(image.info)
    return rgb


def _orientation(image: Image.Image) -> int:
    try:
        with _judged_warnings():
            value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # any: EXIF has no part in the pixels, so its damage is not theirs
        return 1
    return value if isinstance(value, int) else 1


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Whatever Pillow raises becomes one line that names the file."""
    try:
        yield
    except UnidentifiedImageError:
        known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise SpuriousError(f"{name}: no {known} image, or cut off early; get or convert the file again") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = f"{Image.MAX_IMAGE_PIXELS / 1e6:.0f} million"
        raise SpuriousError(f"{name}: more than {limit} pixels, refused as a trap; make it smaller") from None
    except Exception as error:  # damaged data makes the decoders raise almost anything
        reason = reason_of(error)
        raise SpuriousError(f"{name}: cut off or damaged ({reason}); get the file again") from None


@contextlib.contextmanager
def _judged_warnings() -> Iterator[None]:
    """Too many pixels are an error already where Pillow warns; its other warnings, about metadata, are not shown."""
    with _PILLOWS_WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
