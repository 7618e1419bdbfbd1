"""IDX, the format of MNIST: a magic number (element type, dimensions), the big-endian sizes, the elements."""

import math
import struct

import torch
from torch import Tensor

from spurious.data.packing import unpack
from spurious.errors import SpuriousError

__all__ = ["parse_images", "parse_labels", "unpack"]

_UNSIGNED_BYTE = 0x08
_REMEDY = "check its entry under datasets in config.yaml, or delete it and run again"


def parse_images(content: bytes, name: str) -> Tensor:
    """The images of an unpacked IDX file of three dimensions, uint8 (N, 1, H, W).

    Raises SpuriousError, naming `name`, for anything else.
    """
    return _parse(content, name, "images", dimensions=3).unsqueeze(1)


def parse_labels(content: bytes, name: str) -> Tensor:
    """The labels of an unpacked IDX file of one dimension, int64 (N,); raises as `parse_images`."""
    return _parse(content, name, "labels", dimensions=1).long()


def _parse(content: bytes, name: str, kind: str, dimensions: int) -> Tensor:
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise SpuriousError(f"{name}: {len(content)} bytes are too few for IDX {kind}; {_REMEDY}")
    _check_magic(content, name, kind, dimensions)
    sizes = struct.unpack_from(f">{dimensions}I", content, 4)
    # Before anything is allocated: a header may claim 2^32 images.
    if math.prod(sizes) != len(content) - header:
        claimed = "x".join(map(str, sizes))
        raise SpuriousError(f"{name}: {len(content) - header} bytes of data where {claimed} are announced; {_REMEDY}")
    if 0 in sizes:
        raise SpuriousError(f"{name}: holds no {kind}; {_REMEDY}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header).reshape(sizes)


def _check_magic(content: bytes, name: str, kind: str, dimensions: int) -> None:
    zeros, element_type, found = struct.unpack_from(">HBB", content)
    if zeros == 0 and found == dimensions and element_type != _UNSIGNED_BYTE:
        raise SpuriousError(f"{name}: element type {element_type:#04x}, only unsigned bytes (0x08) are read; {_REMEDY}")
    expected = _UNSIGNED_BYTE << 8 | dimensions
    magic = int.from_bytes(content[:4], "big")
    if magic != expected:
        raise SpuriousError(f"{name}: magic number {magic} instead of {expected}, no IDX {kind}; {_REMEDY}")
