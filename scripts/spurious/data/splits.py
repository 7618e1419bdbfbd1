"""Images that training reads batch by batch, whether they sit in memory or not."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from spurious.errors import SpuriousError

SAMPLED = 256  # images of a source that stand for all


class Split(Protocol):
    """A split whose images are asked for by their indices; the labels, int64 (N,), are all at hand.

    `block` and `window` say how it is best shuffled (see `batches`).
    """

    labels: Tensor
    block: int
    window: int | None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        ...

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Tensor:
        """The images of these indices in their order, uint8 (n, C, H, W), as a copy."""
        ...


@dataclass(frozen=True)
class InMemory:
    """A source that holds its images, uint8 (N, C, H, W), and labels, int64 (N,)."""

    images: Tensor
    labels: Tensor
    block: ClassVar[int] = 1
    window: ClassVar[int | None] = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        return tuple(self.images.shape[1:])

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor) -> Tensor:
        """The images of these indices in their order, uint8 (n, C, H, W), as a copy."""
        return self.images[indices]


@dataclass(frozen=True)
class Splits:
    """The splits of a dataset by name, and how many classes there are."""

    by_name: Mapping[str, Split]
    classes: int


def shuffled(source: Split, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """The index batches of one epoch of `source`, shuffled as suits it; see `batches`."""
    return batches(len(source), batch_size, block=source.block, window=source.window, generator=generator)


def batches(
    count: int, batch_size: int, *, block: int = 1, window: int | None = None, generator: torch.Generator
) -> Iterator[Tensor]:
    """Index batches, int64 (batch_size,), of one epoch over `count` images: none comes twice, a remainder is dropped.

    Blocks of `block` consecutive images are shuffled, then the images within at most `window` blocks (None: all). A
    reader that keeps a window at hand therefore meets every block once, and a batch mixes images of the whole window.
    The defaults are a full permutation. Equal generators give equal epochs; `itertools.islice` skips what a run has
    seen already, no image is read for that. Raises SpuriousError where there are too few images for one batch.
    """
    if not 0 < batch_size <= count:
        raise SpuriousError(f"batch_size: {batch_size} of {count} images is no batch; change it in config.yaml")
    blocks = torch.randperm(-(-count // block), generator=generator)
    rest = blocks[:0]
    windows = -(-len(blocks) // (window or len(blocks)))
    for some in blocks.chunk(windows):  # about equal: a short last window would mix badly
        images = (some[:, None] * block + torch.arange(block)).flatten()
        images = images[images < count]  # the last block may be short
        rest = torch.cat([rest, images[torch.randperm(len(images), generator=generator)]])
        whole = len(rest) // batch_size * batch_size
        yield from rest[:whole].view(-1, batch_size)
        rest = rest[whole:]


def prefetched(source: Split, index_batches: Iterable[Tensor], *, depth: int = 2) -> Iterator[tuple[Tensor, Tensor]]:
    """The images, uint8 (n, C, H, W), and labels (n,) of every index batch, read by a thread up to `depth` ahead.

    What goes wrong in reading is raised here, when its batch is due. Closing the iterator ends the thread.
    """
    remaining, pending = iter(index_batches), deque()
    with ThreadPoolExecutor(1, "prefetched") as reader:
        try:
            while True:
                for indices in islice(remaining, depth + 1 - len(pending)):
                    pending.append((reader.submit(source.batch, indices), source.labels[indices]))
                if not pending:
                    return
                images, labels = pending.popleft()
                yield images.result(), labels
        finally:
            for images, _ in pending:
                images.cancel()


def sampled(source: Split) -> list[Tensor]:
    """All labels of a source, and SAMPLED evenly spread images of it: what stands for one larger than memory."""
    count = min(len(source), SAMPLED)
    return [source.labels, source.batch(torch.arange(count) * len(source) // count)]
