"""What is taken as a photograph in a folder of the user's, and what is left out."""

from collections.abc import Iterable
from pathlib import PurePath

from pipeline.jobs.progress import tell
from spurious.data.photographs import SUFFIXES


def is_photograph(path: PurePath) -> bool:
    """Whether a file's name ends as one of a photograph."""
    return path.suffix.lower() in SUFFIXES


def tell_left_out(files: Iterable[PurePath], *, hidden: bool) -> None:
    """Count on the terminal, in one line, the files of a folder that are not taken as photographs.

    `hidden` says that files and folders whose names begin with a dot are among them.
    """
    others = sorted(map(str, files))
    if others:
        kinds = ("hidden or " if hidden else "") + f"no {', '.join(SUFFIXES)}"
        shown = ", ".join(others[:3]) + ", ..." * (len(others) > 3)
        tell(f"left out {len(others)} that are {kinds}: {shown}")
