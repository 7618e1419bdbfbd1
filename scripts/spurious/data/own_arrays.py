"""Own datasets in one .npz file: which arrays are meant, and what their values mean as pixels and labels."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spurious.data.archives import Header, headers, read_arrays
from spurious.errors import SpuriousError, reason_of
from spurious.wording import plural

CHANNELS = (1, 3, 4)  # grey, colours, colours and alpha
LEADING = (1, 3)  # of those, the numbers that are looked for before height and width
PLAIN = ("images", "labels")
KERAS = ("x_train", "y_train", "x_test", "y_test")
DARKEST = 16  # whole numbers up to here are no levels of 0 to 255: they would be nearly black
_CHUNK = 1024  # images that are converted at once

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class OwnArrays:
    """Images, uint8 (N, C, H, W), and their labels, int64 (N,) of 0..K-1.

    The last `tested` are the file's own test split. `notes` says what was converted, a line each.
    """

    images: np.ndarray
    labels: np.ndarray
    tested: int
    notes: tuple[str, ...]


def parse_npz(content: bytes, name: str, scale: float | None = None) -> OwnArrays:
    """The arrays `images` and `labels` of an .npz file, or keras's `x_train, y_train, x_test, y_test`.

    Images are (N, H, W), (N, H, W, C) with a C of 1, 3 or 4, or (N, C, H, W) with a C of 1 or 3. Their values are
    floats of 0 to 1, whole numbers of 0 to 255 or, where `scale` is given, anything of 0 (black) to `scale` (white).
    Labels are whole numbers of any type, (N,) or (N, 1). Raises SpuriousError, naming `name`, where the arrays are
    not as described, and where layout or values have more than one meaning.
    """
    arrays = _load(content, name)
    keys = PLAIN if set(PLAIN) <= arrays.keys() else KERAS
    notes: list[str] = []
    parts = []
    for images_key, labels_key in zip(keys[::2], keys[1::2], strict=True):
        images = _channels_first(arrays[images_key], name, images_key)
        labels = _whole_labels(arrays[labels_key], len(images), name, labels_key, notes)
        parts.append((images, labels))
    _check_same_size(parts, name)
    images = np.concatenate([images for images, _ in parts]) if len(parts) > 1 else parts[0][0]
    labels = np.concatenate([labels for _, labels in parts])
    _check_numbering(labels, name)
    pixels = _levels(images, name, keys[0], scale, notes)
    tested = len(parts[1][1]) if len(parts) > 1 else 0
    return OwnArrays(images=pixels, labels=labels, tested=tested, notes=tuple(notes))


def _load(content: bytes, name: str) -> dict[str, np.ndarray]:
    """The arrays that are meant, by name."""
    try:
        found = headers(io.BytesIO(content))
        keys = next((keys for keys in (PLAIN, KERAS) if set(keys) <= found.keys()), None)
        if keys is None:
            raise SpuriousError(f"{name}: {_missing(found)}")
        for key in keys:
            _check_objects(found[key], name, key)
        return dict(zip(keys, read_arrays(io.BytesIO(content), *keys), strict=True))
    except SpuriousError:
        raise
    except Exception as error:  # for other content numpy and zipfile raise almost anything
        reason = reason_of(error)[:200]
        raise SpuriousError(f"{name}: not a readable .npz file ({reason}); save it with numpy.savez") from None


def _missing(found: Mapping[str, Header]) -> str:
    listed = ", ".join(f"{key} {header.dtype} {header.shape}" for key, header in found.items())[:300]
    return (
        f"needs the arrays 'images' and 'labels', or keras's {', '.join(KERAS)}, but holds {listed or 'none'}; save "
        "it with numpy.savez(file, images=..., labels=...)"
    )


def _check_objects(header: Header, name: str, key: str) -> None:
    """Refuse Python's objects, which only pickle reads, and text."""
    if header.dtype.hasobject:
        kind = "numpy.uint8" if key in (PLAIN[0], *KERAS[::2]) else "int"
        raise SpuriousError(
            f"{name}: {key!r} holds Python objects, which are not read; save it as numbers, {key}.astype({kind}), or "
            f"number names by numpy.unique({key}, return_inverse=True)[1]"
        )
    if header.dtype.kind in "US":
        raise SpuriousError(
            f"{name}: {key!r} is text; number it before saving: numpy.unique({key}, return_inverse=True)[1]"
        )


def _channels_first(images: np.ndarray, name: str, key: str) -> np.ndarray:
    """The images as (N, C, H, W), whichever axis their channels are."""
    if images.ndim not in (3, 4) or images.size == 0 or images.dtype.kind not in "buif":
        raise SpuriousError(
            f"{name}: {key!r} is {images.dtype} {images.shape}; save it as uint8 (N, H, W) or (N, H, W, C)"
        )
    if images.ndim == 3:
        return images[:, None]
    leading, trailing = images.shape[1] in LEADING, images.shape[3] in CHANNELS
    if leading and trailing:
        raise SpuriousError(
            f"{name}: {key!r} is {images.shape}, which may be (N, C, H, W) as well as (N, H, W, C); save grey images "
            f"as (N, H, W), and pad others to sides other than {', '.join(map(str, CHANNELS))}"
        )
    if not leading and not trailing:
        raise SpuriousError(
            f"{name}: {key!r} is {images.shape}, with {images.shape[3]} channels; save it as (N, H, W, C) with a C of "
            f"{', '.join(map(str, CHANNELS))}"
        )
    return images if leading else images.transpose(0, 3, 1, 2)


def _whole_labels(labels: np.ndarray, count: int, name: str, key: str, notes: list[str]) -> np.ndarray:
    """Labels as int64 (N,)."""
    if labels.ndim == 2 and labels.shape[0] == count and labels.shape[1] > 1:
        raise SpuriousError(
            f"{name}: {key!r} is {labels.dtype} {labels.shape}, one-hot or several labels for an image; save one "
            f"number for each, {key}.argmax(1) where it is one-hot"
        )
    flat = labels[:, 0] if labels.shape == (count, 1) else labels
    if flat.shape != (count,) or flat.dtype.kind not in "buif" or not _all_whole(flat):
        raise SpuriousError(
            f"{name}: {key!r} is {labels.dtype} {labels.shape}; save it as integers, one for each of "
            f"{plural(count, 'image')}"
        )
    if labels.ndim == 2 or labels.dtype.kind not in "iu":
        notes.append(f"{name}: {key!r} is {labels.dtype} {labels.shape}, read as whole numbers ({count},)")
    return flat.astype(np.int64)


def _all_whole(values: np.ndarray) -> bool:
    """Whether there are only whole numbers that int64 holds."""
    if values.dtype.kind != "f":
        return True
    return bool(np.isfinite(values).all() and (values == np.rint(values)).all() and (abs(values) < 2**53).all())


def _check_same_size(parts: list[tuple[np.ndarray, np.ndarray]], name: str) -> None:
    if len({images.shape[1:] for images, _ in parts}) > 1:
        train, test = (images.shape for images, _ in parts)
        raise SpuriousError(f"{name}: 'x_train' {train} and 'x_test' {test} differ in size; save images of one size")


def _check_numbering(labels: np.ndarray, name: str) -> None:
    found = np.unique(labels)
    if not np.array_equal(found, np.arange(len(found))):
        raise SpuriousError(
            f"{name}: the labels run from {found[0]} to {found[-1]} but {len(found)} occur; number them 0..K-1, by "
            "numpy.unique(labels, return_inverse=True)[1]"
        )


def _levels(images: np.ndarray, name: str, key: str, scale: float | None, notes: list[str]) -> np.ndarray:
    """The images as uint8, contiguous."""
    low, high = images.min(), images.max()
    place = f"{name}: {key!r} is {images.dtype} from {low:g} to {high:g}"
    if scale is not None:
        if not 0 <= low <= high <= scale:
            raise SpuriousError(f"{place}, not within 0 to {scale:g}; change its key scale in config.yaml")
        return _scaled(images, scale)
    if images.dtype.kind == "b" or (images.dtype.kind == "f" and 0 <= low <= high <= 1 and high > 0):
        notes.append(f"{place}: multiplied by 255 and stored with 256 levels")
        return _scaled(images, 1.0)
    if not 0 <= low <= high <= 255 or not _all_whole(images):
        raise SpuriousError(
            f"{place}; save it as uint8 of 0 to 255 or as floats of 0 to 1, or, where 0 is black, give the value of "
            "white by its key scale in config.yaml"
        )
    if high <= DARKEST:
        raise SpuriousError(
            f"{place}, nearly black of 255 levels; give the value of white by its key scale in config.yaml, such as "
            f"scale: {max(high, 1):g}, or scale: 255 where they are meant to be dark"
        )
    if images.dtype != np.uint8:
        notes.append(f"{place}: converted to uint8")
    return np.ascontiguousarray(images.astype(np.uint8, copy=False))


def _scaled(images: np.ndarray, scale: float) -> np.ndarray:
    """Values of 0 to `scale` as uint8 of 0 to 255, rounded; a part at a time, as floats take eight times the memory."""
    pixels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        pixels[part] = np.rint(images[part].astype(np.float64) * (255 / scale))
    return pixels
