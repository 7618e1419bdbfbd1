"""Progress bars of the scripts, and notes beside them."""

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Sequence[Item], name: str, unit: str) -> Iterator[Item]:
    """The items, with a bar that ends its line also where a job fails."""
    with tqdm(total=len(items), desc=name, unit=unit) as bar:
        for item in items:
            yield item
            bar.update()


def tell(text: str) -> None:
    """Write a line to stderr, above the bars that are there."""
    tqdm.write(text, file=sys.stderr)


def note(text: str | None, name: str) -> None:
    """Tell of `name` what is worth a note; nothing where there is no text."""
    if text:
        tell(f"note: {name}: {text}")
