"""Small versions of ImageNet: photographs shrunk to squares, and the batch files of Chrabaszcz et al. 2017.

P. Chrabaszcz, I. Loshchilov, F. Hutter: A Downsampled Variant of ImageNet as an Alternative to the CIFAR datasets,
arXiv 1707.08819. A batch file is an .npz archive of `data`, uint8 (N, 3 S S) with all of red first, and `labels`, which
begin at 1. The authors publish it as a pickled dictionary, too, which could run any code and is not read.
"""

import math
import shlex
from typing import BinaryIO

import numpy as np
from PIL import Image

from spurious.data.archives import read_arrays
from spurious.data.photographs import open_photograph
from spurious.errors import SpuriousError, reason_of

_ARCHIVE = b"PK"
_CONVERT = (
    "import sys, pickle, numpy; b = pickle.load(open(sys.argv[1], 'rb'), encoding='latin1'); "
    "numpy.savez(sys.argv[1] + '.npz', data=b['data'], labels=b['labels'])"
)


def shrink(content: bytes, name: str, size: int, *, exif_orientation: bool = False) -> tuple[np.ndarray, str]:
    """A photograph as an RGB image of `size` x `size` pixels, uint8 (3, size, size), and the mode that it had.

    Each pixel is the mean of the box that it covers; the aspect ratio is not kept (the authors' method "box").
    With `exif_orientation` it is turned upright before. Raises SpuriousError, naming `name`, for what cannot be read,
    as `photographs.decode_array`.
    """
    image, mode, _ = open_photograph(content, name, exif_orientation=exif_orientation)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)).transpose(2, 0, 1), mode


def parse_batch(file: BinaryIO, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (N, 3, S, S), and labels, int64 (N,), as they are numbered in one batch file.

    Takes the memory of the arrays (see `archives.check_size`). Raises SpuriousError, naming `name`, for anything but an
    archive of such arrays; that of a pickle says how to convert it.
    """
    if file.read(len(_ARCHIVE)) != _ARCHIVE:
        raise SpuriousError(
            f"{name}: not an .npz archive; convert a pickled batch file that you trust, and give the result instead: "
            f'python -c "{_CONVERT}" {shlex.quote(name)}'
        )
    file.seek(0)
    try:
        data, labels = read_arrays(file, "data", "labels")
    except Exception as error:  # damaged files make numpy and zipfile raise almost anything
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
