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


def files_below(folder: Path, *, hidden: bool = True) -> Iterator[Path]:
    """Every file below a folder, links followed; SpuriousError for a folder that cannot be read or contains itself.

    Without `hidden` a folder whose name begins with a dot is given itself, and nothing that is in it.
    """
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        closed = [] if hidden else [name for name in folders if name.startswith(".")]
        folders[:] = [name for name in folders if name not in closed]
        for link in filter(Path.is_symlink, (Path(place, name) for name in folders)):
            target = link.resolve()
            if any(parent.resolve().is_relative_to(target) for parent in link.parents):
                raise SpuriousError(f"{link}: links to a folder that it lies in; remove this link")
        yield from (Path(place, name) for name in (*closed, *names))


def _refuse(error: OSError) -> None:
    raise SpuriousError(f"{error.filename}: cannot be read ({error.strerror}); check path and permissions") from None


def tell_left_out(files: Iterable[PurePath], *, hidden: bool) -> None:
    """Count on the terminal, in one line, the files of a folder that are not taken as photographs.

    `hidden` says that files and folders whose names begin with a dot are among them.
    """
    others = sorted(map(str, files))
    if others:
        kinds = ("hidden or " if hidden else "") + f"no {', '.join(SUFFIXES)}"
        shown = ", ".join(others[:3]) + ", ..." * (len(others) > 3)
        tell(f"left out {len(others)} that are {kinds}: {shown}")
