"""Progress bars of the scripts, and notes beside them."""

import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
_bars: "weakref.WeakSet[tqdm | Lines]" = weakref.WeakSet()  # that may not have ended their line


def progress(items: Sequence[Item], name: str, unit: str) -> Iterator[Item]:
    """The items, with a bar that ends its line also where a job fails."""
    with progress_bar(total=len(items), desc=name, unit=unit) as bar:
        for item in items:
            yield item
            bar.update()


@contextmanager
def counting(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work whose total is known where it is done: called with how much more is done, and of how much."""
    with progress_bar(desc=name, unit=unit) as bar:

        def count(done: int, total: int) -> None:
            bar.total = total
            bar.update(done)

        yield count


def progress_bar(items: Iterable[Item] | None = None, **options: Any) -> "tqdm | Lines[Item]":
    """A bar with these options of tqdm; where stderr is no terminal, a line for every tenth of the work instead."""
    bar = tqdm(items, **options) if sys.stderr.isatty() else Lines(items, **options)
    _bars.add(bar)
    return bar


def end_bars() -> None:
    """Let every bar that is there end its line: what is written next starts one of its own."""
    for bar in list(_bars):
        bar.close()


def tell(text: str) -> None:
    """Write a line to stderr, above the bars that are there."""
    tqdm.write(text, file=sys.stderr)


def tell_of(name: str, text: str | None) -> None:
    """Tell something of `name`; nothing where there is no text."""
    if text:
        tell(f"{name}: {text}")


def note(text: str | None, name: str) -> None:
    """Tell of `name` what is worth a note; nothing where there is no text."""
    tell_of(f"note: {name}", text)


class Lines(Generic[Item]):
    """As much of tqdm as the scripts use; writes a line whenever another tenth of the work is done.

    Where the total is not known there is a single line, at the end. `options` are passed to tqdm.format_meter.
    """

    def __init__(
        self,
        items: Iterable[Item] | None = None,
        *,
        desc: str,
        total: int | None = None,
        initial: int = 0,
        disable: bool = False,
        mininterval: float = 0.0,  # between two changes of a bar on a terminal; lines need none
        **options: Any,
    ) -> None:
        self.items = items
        self.total = len(items) if total is None and isinstance(items, Sequence) else total
        self.n = self.initial = initial
        self.silent = disable
        self.options = {"prefix": desc, "ascii": True, "ncols": 0} | options
        self.start = time.monotonic()

    def __iter__(self) -> Iterator[Item]:
        with self:
            for item in self.items or ():
                yield item
                self.update()

    def __enter__(self) -> "Lines[Item]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, n: int = 1) -> None:
        """Count n more as done."""
        before, self.n = self.n, self.n + n
        if self.total and 10 * self.n // self.total > 10 * before // self.total:
            self._write()

    def set_postfix(self, **values: str) -> None:
        """What the next lines end with."""
        self.options["postfix"] = ", ".join(f"{key}={value}" for key, value in values.items())

    def close(self) -> None:
        """End the work; done twice it is as done once."""
        if self.total is None and self.n > self.initial:
            self._write()
        self.silent = True

    def _write(self) -> None:
        if not self.silent:
            elapsed = time.monotonic() - self.start
            line = tqdm.format_meter(self.n, self.total, elapsed, initial=self.initial, **self.options)
            print(line, file=sys.stderr, flush=True)
