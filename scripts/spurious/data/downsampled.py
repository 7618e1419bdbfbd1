"""Small versions of ImageNet: photographs shrunk to squares, and the batch files of Chrabaszcz et al. 2017.

P. Chrabaszcz, I. Loshchilov, F. Hutter: A Downsampled Variant of ImageNet as an Alternative to the CIFAR datasets,
arXiv 1707.08819. A batch file is a pickled dictionary or an .npz archive of `data`, uint8 (N, 3 S S) with all of red
first, and `labels`, which begin at 1.
"""

import math
import pickle
from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar

import numpy as np
from PIL import Image

from spurious.data.archives import read_arrays
from spurious.data.photographs import GREY, open_image
from spurious.errors import SpuriousError, reason_of

MODES = ("RGB", *GREY, "P", "RGBA", "CMYK")  # of photographs: ImageNet has some without colour and some in four inks
_ARCHIVE = b"PK"
_ORDERS = ("|", "<", ">", "=")


def shrink(content: bytes, name: str, size: int) -> np.ndarray:
    """A JPEG or PNG file as an RGB image of `size` x `size` pixels, uint8 (3, size, size).

    Each pixel is the mean of the box that it covers; the aspect ratio is not kept (the authors' method "box").
    Raises SpuriousError, naming `name`, for what cannot be read, as `photographs.decode_array`.
    """
    image = open_image(content, name, MODES).convert("RGB").resize((size, size), Image.Resampling.BOX)
    return np.asarray(image).transpose(2, 0, 1)


def parse_batch(file: BinaryIO, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (N, 3, S, S), and labels, int64 (N,), as they are numbered in one batch file.

    No code of a pickle is run: only arrays, dictionaries, lists, numbers and texts are taken from it. Takes the memory
    of the file once; of an archive, that of its arrays (see `archives.check_size`). Raises SpuriousError, naming
    `name`, for anything else.
    """
    archive = file.read(len(_ARCHIVE)) == _ARCHIVE
    file.seek(0)
    try:
        data, labels = map(np.asarray, _from_archive(file) if archive else _from_pickle(file))
    except Exception as error:  # damaged files make numpy, zipfile and pickle raise almost anything
        reason = reason_of(error)
        raise SpuriousError(
            f"{name}: not a batch file of the downsampled ImageNet ({reason[:200]}); get it again"
        ) from None
    return _checked(data, labels, name)


def _checked(data: np.ndarray, labels: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    if data.dtype != np.uint8 or data.ndim != 2 or data.size == 0:
        raise SpuriousError(f"{name}: 'data' is {data.dtype} {data.shape}, not uint8 rows; get the batch file again")
    side = math.isqrt(data.shape[1] // 3)
    if data.shape[1] != 3 * side * side:
        raise SpuriousError(f"{name}: {data.shape[1]} numbers an image are no RGB square; get the batch file again")
    if labels.dtype.kind not in "iu" or labels.shape != data.shape[:1]:
        raise SpuriousError(
            f"{name}: 'labels' is {labels.dtype} {labels.shape}, not one whole number for each of the {len(data)} "
            "images; get the batch file again"
        )
    return data.reshape(-1, 3, side, side), labels.astype(np.int64)


def _from_archive(file: BinaryIO) -> tuple[Any, Any]:
    data, labels = read_arrays(file, "data", "labels")
    return data, labels


def _from_pickle(file: BinaryIO) -> tuple[Any, Any]:
    content = _Unpickler(file, encoding="latin1").load()
    if not isinstance(content, Mapping):
        raise ValueError("holds no dictionary")
    for key in ("data", "labels"):
        if key not in content:
            raise ValueError(f"has no {key!r}")
    return _plain(content["data"]), _plain(content["labels"])


def _plain(value: Any) -> Any:
    """An array, or a list of numbers: lists that share lists could unfold to any size."""
    if isinstance(value, list) and not all(isinstance(item, int | float) for item in value):
        raise ValueError("has a list of something else than numbers")
    return value.array() if isinstance(value, _Array) else value


class _Dtype:
    """Stands for numpy's dtype: unpickling the real one would hand it any state that the file holds."""

    def __init__(self, name: str, *_: object):
        self.name, self.order = name, "|"

    def __setstate__(self, state: tuple) -> None:
        self.order = state[1]

    def numeric(self) -> np.dtype:
        """The dtype; ValueError unless it is one of whole or of floating-point numbers."""
        dtype = np.dtype(self.name)
        if dtype.kind not in "iuf" or self.order not in _ORDERS:
            raise ValueError(f"numbers of the kind {self.name!r}")
        return dtype.newbyteorder(self.order)


class _Array:
    """Stands for numpy's array: keeps the bytes and makes an array of them in the end."""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.fortran_order, self.content = state

    def array(self) -> np.ndarray:
        """The array, without a copy; ValueError where the bytes do not fit the shape."""
        # Python 2 pickled bytes as text
        content = self.content.encode("latin1") if isinstance(self.content, str) else self.content
        flat = np.frombuffer(content, self.dtype.numeric())
        return flat.reshape(self.shape, order="F" if self.fortran_order else "C")


def _from_buffer(content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array


def _number(dtype: _Dtype, content: bytes) -> int | float:
    return np.frombuffer(content, dtype.numeric())[0].item()


def _encode(text: str, encoding: str) -> bytes:
    return text.encode("latin1")


_CORES = ("numpy.core", "numpy._core")  # before and since numpy 2
_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    **{(f"{core}.multiarray", "_reconstruct"): lambda *_: _Array() for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _number for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _from_buffer for core in _CORES},
}


class _Unpickler(pickle._Unpickler):
    """Gives the few names that pickled arrays use a harmless meaning each.

    The one of pickle's two unpicklers that is written in Python: the other takes 4 GB for a memo numbered 2^28. A
    bytearray is read as bytes: it would be filled with zeros before its length is found to be wrong.
    """

    dispatch: ClassVar = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: pickle._Unpickler.load_binbytes8}

    def find_class(self, module: str, name: str) -> Any:
        """One of the known names; UnpicklingError for any other, before it is looked up."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"asks for {module}.{name}, which is refused") from None
