"""Arrays of .npz archives that others made: bounded in memory, and nothing of Python's own objects."""

import os
import zipfile
from typing import BinaryIO, NamedTuple

import numpy as np

from spurious.data.packing import MOST_IN_MEMORY

EXPANSION = 4  # photographs hardly shrink; what is packed tighter than that must be small
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # numpy's; zipfile unpacks the others without a bound


class Header(NamedTuple):
    """What an array is, before it is read."""

    dtype: np.dtype
    shape: tuple[int, ...]


def check_size(archive: zipfile.ZipFile, size: int) -> None:
    """ValueError where the members of an archive of `size` bytes claim more than 1 GiB and more than 4 times its size.

    Also where one is packed by another method than numpy's two.
    """
    claimed, most = sum(member.file_size for member in archive.infolist()), max(MOST_IN_MEMORY, EXPANSION * size)
    if claimed > most:
        raise ValueError(f"{claimed} bytes are announced, more than {most}")
    for member in archive.infolist():
        if member.compress_type not in _METHODS:
            raise ValueError(f"{member.filename!r} is packed by the method {member.compress_type}")


def headers(file: BinaryIO) -> dict[str, Header]:
    """The arrays of the .npz archive `file`, which is seekable, in their order; raises as `read_arrays`."""
    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        check_size(archive, size)
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _read_header(archive, name) for name in names}


def _read_header(archive: zipfile.ZipFile, name: str) -> Header:
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        return Header(dtype, shape)


def read_arrays(file: BinaryIO, *names: str) -> list[np.ndarray]:
    """The arrays of these names in the .npz archive `file`, which is seekable.

    Takes at most the memory that `check_size` allows. Raises KeyError where one is missing, and almost anything, as
    numpy and zipfile do, for what is no such archive or holds Python's objects.
    """
    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        check_size(archive, size)
        return [_read_array(archive, f"{name}.npy") for name in names]


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
