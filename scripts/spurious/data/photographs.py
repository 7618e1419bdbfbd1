"""Photographs: the bytes of a JPEG or PNG file to pixels, and which of them have no colour."""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from spurious.errors import SpuriousError, reason_of

if TYPE_CHECKING:  # the list of photographs is made without importing torch
    import torch

FORMATS = ("JPEG", "PNG")
GREY = ("1", "L", "LA")  # Pillow's modes without colour; A is transparency
_MODES = {
    "1": "black and white",
    "L": "grey levels",
    "LA": "grey levels with transparency",
    "P": "a palette",
    "RGBA": "transparency",
    "CMYK": "four inks",
}
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


def decode(content: bytes, name: str) -> "torch.Tensor":
    """The pixels of an RGB image, uint8 (3, H, W); as `decode_array`."""
    import torch

    return torch.from_numpy(decode_array(content, name))


def decode_array(content: bytes, name: str) -> np.ndarray:
    """The pixels of an RGB image of 8 bits per channel, uint8 (3, H, W), contiguous and writable.

    As they are stored: EXIF's orientation and colour profiles are ignored, as torchvision's ToTensor does. Of
    several pictures in one file the first one is meant. Raises SpuriousError, naming `name`, for what is no JPEG or
    PNG, is cut off or damaged (as far as Pillow tells: it takes broken JPEG data inside a complete file), has another
    mode or 16 bits, or more pixels than Image.MAX_IMAGE_PIXELS, 89 million. That is seen in the header, before memory
    is taken; at the limit it is 0.85 GB for a moment, 1.1 GB where malloc keeps freed memory, as in the pipeline.
    """
    image = open_image(content, name, ("RGB",))
    return np.asarray(image).transpose(2, 0, 1).copy()


def describe(content: bytes, name: str) -> Properties:
    """Size, mode and colour of a whole photograph; raises as `decode_array`, but takes grey modes, too."""
    image = open_image(content, name, ("RGB", *GREY))
    return Properties(
        width=image.width,
        height=image.height,
        mode=image.mode,
        orientation=_orientation(image),
        channel_difference=channel_difference(np.asarray(image)) if image.mode == "RGB" else 0.0,
    )


def channel_difference(pixels: np.ndarray) -> float:
    """The mean of |R - G| + |G - B| over uint8 pixels (H, W, 3), in levels of 0..255."""
    total = 0
    for first, second in ((0, 1), (1, 2)):
        a, b = pixels[..., first], pixels[..., second]
        total += int((np.maximum(a, b) - np.minimum(a, b)).sum(dtype=np.int64))  # unsigned: a - b would wrap
    return total / (pixels.size // 3)


def why_grey(properties: Properties, grey_below: float) -> str:
    """Why a photograph counts as grey, in words; empty where it has colour.

    An RGB image counts as grey where its channel difference is less than `grey_below` levels.
    """
    if properties.mode in GREY:
        return f"grey levels only (mode {properties.mode})"
    if properties.channel_difference < grey_below:
        return f"RGB, but the channels differ by {properties.channel_difference:.3f} of 255 levels in the mean"
    return ""


def open_image(content: bytes, name: str, modes: tuple[str, ...]) -> Image.Image:
    """The image with its pixels loaded; SpuriousError unless it has one of `modes` and 8 bits per channel."""
    with _told(name), _judged_warnings():
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    _check_mode(image, name, modes)
    with _told(name):
        image.load()
    return image


def _check_mode(image: Image.Image, name: str, modes: tuple[str, ...]) -> None:
    # Pillow reads an RGB image of 16 bits as one of 8 without a word; only how it is packed tells.
    if ";16" in image.mode or any(";16" in str(tile.args) for tile in image.tile):
        found = "16 bits per channel"
    elif image.mode in modes:
        return
    else:
        found = f"{_MODES.get(image.mode, 'other colours')} (mode {image.mode})"
    raise SpuriousError(f"{name}: {found} instead of RGB with 8 bits per channel; convert it to RGB")


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
        raise SpuriousError(f"{name}: no JPEG or PNG image, or cut off early; get or convert the file again") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = f"{Image.MAX_IMAGE_PIXELS / 1e6:.0f} million"
        raise SpuriousError(f"{name}: more than {limit} pixels, taken for a trap; make it smaller") from None
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
