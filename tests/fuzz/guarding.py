"""Watch what a call does beside raising: files written elsewhere, programs started, connections made."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from targets import Broken

FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "pickle.find_class",
)
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate", "shutil.rmtree")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_folder: Path | None = None  # an audit hook cannot be taken back: it is switched by this
_deeds: list[str] = []


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Broken, at the end, where the block ran or changed anything but files below `folder`; what it tried is stopped.

    Compiled bytecode that an import writes does not count.
    """
    global _folder
    _deeds.clear()
    _folder = folder
    try:
        yield
    finally:
        _folder = None
        if _deeds:
            raise Broken(f"forbidden: {_deeds[0]}")


def _hook(event: str, arguments: tuple) -> None:
    if _folder is not None and _is_forbidden(event, arguments):
        _deeds.append(" ".join(f"{event} {arguments}".split())[:200])
        raise PermissionError(_deeds[-1])


def _is_forbidden(event: str, arguments: tuple) -> bool:
    if event in FORBIDDEN:
        return True
    if event == "open":
        path, _, flags = arguments
        return bool(flags & WRITING) and isinstance(path, str | bytes) and _is_outside(path)
    return event in CHANGES and isinstance(arguments[0], str | bytes | os.PathLike) and _is_outside(arguments[0])


def _is_outside(path: str | bytes | os.PathLike) -> bool:
    name = os.path.abspath(os.fsdecode(path))
    return not f"{name}{os.sep}".startswith(f"{_folder}{os.sep}") and "__pycache__" not in name


sys.addaudithook(_hook)
