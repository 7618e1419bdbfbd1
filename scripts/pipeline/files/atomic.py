"""Files and folders that are written whole or not at all."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from spurious.errors import SpuriousError

UNWRITABLE = {
    errno.ENOSPC: "make space and run again",
    errno.EDQUOT: "make space or have the quota raised, and run again",
    errno.EROFS: "make it writable and run again",
}
# What may go wrong with the place of a file, as opposed to what is written there.
MISPLACED = {
    errno.EACCES: "make it writable and run again",
    errno.EPERM: "make it writable and run again",
    errno.EISDIR: "a folder is in the way: remove it and run again",
    errno.ELOOP: "a link is in the way: remove it and run again",
    errno.EEXIST: "a file is in the way of its folder: remove that and run again",
    errno.ENOTDIR: "a file is in the way of its folder: remove that and run again",
    errno.ENAMETOOLONG: "give a shorter name",
}
_LONGEST_NAME = 120  # bytes, of an unfinished file: with 8 more letters below what any file system in use allows


def _read_umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


# It cannot be read without being changed, and it is that of all threads: so it is read before there are any.
UMASK = _read_umask()


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that replaces it when the block ends without an error.

    A reader sees the old file or the new one, never a part; after a failure nothing is left. What a killed process
    has left is overwritten by the next one that writes `path`. Raises SpuriousError where there is no space left, and
    where a folder, a link or a right that is missing keeps the file from its place.
    """
    path = Path(path)
    with _unwritable_named(path):
        with _misplaced_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = _temporary_beside(path)
        try:
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            temporary.chmod(0o666 & ~UMASK)
            with _misplaced_named(path):
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def unfinished(path: Path, suffix: str) -> Path:
    """The hidden place beside `path` where it is made: `.<name><suffix>`, of a long name its SHA-256 instead."""
    name = f".{path.name}{suffix}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{suffix}"
    return path.with_name(name)


def _temporary_beside(path: Path) -> tuple[int, Path]:
    """An empty file beside `path`, and a handle whose lock tells that it is being written.

    It has the same name every time, so what a killed process has left does not pile up; another name where a second
    process writes the same file, or where files can't be locked.
    """
    temporary = unfinished(path, ".new")
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # the process that held the lock may have put the file in its place meanwhile
        if os.path.samestat(os.fstat(handle), os.stat(temporary)):
            os.truncate(handle, 0)
            return handle, temporary
    except OSError:
        pass
    os.close(handle)
    handle, name = tempfile.mkstemp(prefix=unfinished(path, ".").name, dir=path.parent)
    return handle, Path(name)


@contextlib.contextmanager
def _unwritable_named(path: Path) -> Iterator[None]:
    """SpuriousError that names `path` for what the file system refuses, by whichever library it was told."""
    try:
        yield
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else _number_in(error)
        if number not in UNWRITABLE:
            raise
        raise SpuriousError(f"{path}: cannot be written ({os.strerror(number)}); {UNWRITABLE[number]}") from None


@contextlib.contextmanager
def _misplaced_named(path: Path) -> Iterator[None]:
    """SpuriousError that names `path`, and what is in its way where that is another place."""
    try:
        yield
    except OSError as error:
        if error.errno not in MISPLACED:
            raise
        place = Path(os.fsdecode(error.filename2 or error.filename or path))
        of = "" if place == path else f" for {path.name}"
        raise SpuriousError(f"{place}: cannot be written{of} ({error.strerror}); {MISPLACED[error.errno]}") from None


def _number_in(error: Exception) -> int | None:
    """The number of the system's error that a library written in Rust puts into its message."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; nothing where there is none."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def replace_folder(new: Path, output: Path) -> None:
    """Put `new` in the place of `output`, which may be there from an earlier run."""
    old = unfinished(output, ".old")
    remove(old)
    if output.exists():
        output.rename(old)
    new.rename(output)
    remove(old)


def write_text(path: str | Path, text: str) -> None:
    """Write a small text file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
