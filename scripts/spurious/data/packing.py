"""Unpacking what may be gzip: streamed, checked, bounded. Free of torch, so that downloading starts at once."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from spurious.errors import SpuriousError

GZIP_MAGIC = b"\x1f\x8b"
MOST_IN_MEMORY = 1 << 30  # bytes; gzip can claim a thousand times its own size
_CHUNK = 1 << 20


def unpacked_chunks(file: BinaryIO, name: str, *, most: int = MOST_IN_MEMORY) -> Iterator[bytes]:
    """The content of the seekable `file` in parts of up to 1 MiB, unpacked if it starts as gzip does.

    Raises SpuriousError when the gzip data is cut off or damaged, or when the content exceeds `most` bytes.
    """
    start = file.read(len(GZIP_MAGIC))
    file.seek(0)
    content = gzip.GzipFile(fileobj=file) if start == GZIP_MAGIC else file
    size = 0
    try:
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise SpuriousError(f"{name}: its content exceeds {most} bytes; check that it is the right file")
            yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SpuriousError(f"{name}: cut off or damaged gzip data ({error}); get the file again") from None


def unpack(content: bytes, name: str, *, most: int = MOST_IN_MEMORY) -> bytes:
    """`content` unpacked if it starts as gzip does, else as it is; raises as `unpacked_chunks`."""
    return b"".join(unpacked_chunks(io.BytesIO(content), name, most=most))
