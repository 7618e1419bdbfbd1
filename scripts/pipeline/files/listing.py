"""What is taken as a photograph in a folder of the user's, and what is left out."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from pipeline.jobs.progress import tell
from spurious.data.photographs import SUFFIXES
from spurious.errors import SpuriousError


def is_photograph(path: PurePath) -> bool:
    """Whether a file's name ends as one of a photograph."""
    return path.suffix.lower() in SUFFIXES


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, links followed; SpuriousError for a folder that cannot be read or contains itself."""
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        for name in folders:
            link = Path(place, name)
            if link.is_symlink() and Path(place).resolve().is_relative_to(link.resolve()):
                raise SpuriousError(f"{link}: links to a folder that it lies in; remove this link")
        yield from (Path(place, name) for name in names)


def _refuse(error: OSError) -> None:
    raise SpuriousError(f"{error.filename}: cannot be read ({error.strerror}); fix its path or its rights") from None


def tell_left_out(files: Iterable[PurePath], *, hidden: bool) -> None:
    """Count on the terminal, in one line, the files of a folder that are not taken as photographs.

    `hidden` says that files and folders whose names begin with a dot are among them.
    """
    others = sorted(map(str, files))
    if others:
        kinds = ("hidden or " if hidden else "") + f"no {', '.join(SUFFIXES)}"
        shown = ", ".join(others[:3]) + ", ..." * (len(others) > 3)
        tell(f"left out {len(others)} that are {kinds}: {shown}")
