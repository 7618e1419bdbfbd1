"""What every script of the pipeline shares: one-line errors, files written whole, settings, devices."""

import argparse
import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lifetime import end_with_pipeline
from spurious.errors import SpuriousError

if TYPE_CHECKING:  # a script that only moves files or tables should not pay for importing torch
    import torch


Settings = TypeVar("Settings")
UNWRITABLE = {
    errno.ENOSPC: "make space and run again",
    errno.EDQUOT: "make space or have the quota raised, and run again",
    errno.EROFS: "make it writable and run again",
}


def run(main: Callable[[], None]) -> None:
    """Call `main`; what a user can mend is printed as one line and ends with exit status 1.

    A job of the pipeline ends with the snakemake that started it.
    """
    end_with_pipeline()
    try:
        main()
    except SpuriousError as error:
        sys.exit(f"error: {error}")


def settings_argument(cls: type[Settings]) -> Callable[[str], Settings]:
    """An argparse type: JSON text into the frozen settings `cls`."""
    from spurious.settings import from_mapping

    def parse(text: str) -> Settings:
        return from_mapping(cls, json.loads(text))

    parse.__name__ = cls.__name__
    return parse


def pair_argument(names: str) -> Callable[[str], tuple[str, str]]:
    """An argparse type: text such as "key=path", which is what `names` is, into the two."""

    def parse(text: str) -> tuple[str, str]:
        first, separator, second = text.partition("=")
        if not separator:
            raise argparse.ArgumentTypeError(f"{text!r} is not {names}")
        return first, second

    return parse


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that replaces it when the block ends without an error.

    A reader sees the old file or the new one, never a part; after a failure nothing is left. What a killed process
    has left is overwritten by the next one that writes `path`. Raises SpuriousError where there is no space left.
    """
    path = Path(path)
    with _unwritable_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _temporary_beside(path)
        try:
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            temporary.chmod(0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def _temporary_beside(path: Path) -> tuple[int, Path]:
    """An empty file beside `path`, and a handle whose lock tells that it is being written.

    It has the same name every time, so what a killed process has left does not pile up; another name where a second
    process writes the same file, or where files can't be locked.
    """
    temporary = path.with_name(f".{path.name}.new")
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
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
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


def _number_in(error: Exception) -> int | None:
    """The number of the system's error that a library written in Rust puts into its message."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def replace_folder(new: Path, output: Path) -> None:
    """Put `new` in the place of `output`, which may be there from an earlier run."""
    old = output.with_name(f".{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    new.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a small text file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def add_compute_arguments(parser: argparse.ArgumentParser) -> None:
    """--threads and --gpu, as every script that computes with torch has them."""
    parser.add_argument("--threads", type=int, default=1, help="torch threads; part of the result's last digits")
    parser.add_argument("--gpu", type=int, default=0, help="GPUs granted by the scheduler; 0 computes on the CPU")


def prepare_compute(arguments: argparse.Namespace) -> "torch.device":
    """Set the thread count and choose the device: a GPU where one was granted and is there, else the CPU."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.allow_tf32 = False  # a prediction is promised in float32
    if not (arguments.gpu and torch.cuda.is_available()):
        return torch.device("cpu")
    identities = [str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())]
    return torch.device("cuda", claim_first_free(identities))


def claim_first_free(names: Sequence[str]) -> int:
    """Index of the first of these devices that no other process of this user on this machine has claimed.

    It is held until this process ends, however it ends. Where all are taken it is 0: devices are shared then.
    """
    for index, name in enumerate(names):
        path = Path(tempfile.gettempdir(), f"spurious-{os.getuid()}-{name}.lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return index
        except BlockingIOError:
            os.close(handle)
    return 0
