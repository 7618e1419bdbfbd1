"""The one exception for everything a user can fix, and parts of its messages."""

import difflib
from collections.abc import Collection


class SpuriousError(ValueError):
    """Bad input: the message is one line that names the file or key and the remedy."""


def reason_of(error: Exception) -> str:
    """The message of another library's error in one line; the name of its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def shown_name(name: str) -> str:
    r"""A file's name as text that can be written: a byte that is not UTF-8, a surrogate in Python, as \xe9."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def unknown_name(kind: str, name: str, known: Collection[str]) -> str:
    """That the `name` of a `kind` is unknown, with the name that was probably meant, or else all that are known."""
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known) or 'none'}"
    return f"unknown {kind} {name!r}; {remedy}"
