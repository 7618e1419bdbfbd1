"""Findings as a reader sees them."""

from spurious.wording import NO_BREAK


def text(sentences):
    """The sentences below each other, with spaces that may break."""
    return "\n".join(sentences).replace(NO_BREAK, " ")
