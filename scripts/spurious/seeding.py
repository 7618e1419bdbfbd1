"""Named, order-free seeds: what a number is drawn for decides its seed, not when it is drawn."""

import hashlib
from collections.abc import Callable, Sequence

import torch

Id = int | str  # what an image is called: its number in a dataset, the path of a photograph


def generator(*parts: int | float | str) -> torch.Generator:
    """A CPU generator seeded by `parts`, e.g. `generator(seed, "order", epoch)`.

    Equal parts give equal streams on every machine. The seed is taken from the SHA-256 of their text, so neighbouring
    seeds are unrelated. Torch's generator uses 32 bits of it: of 100,000 streams about one pair is the same.
    """
    digest = hashlib.sha256("/".join(map(repr, parts)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def for_scikit_learn(seed: int) -> int:
    """The seed itself below 2^32, else a number below 2^32 drawn from it: scikit-learn takes no larger ones."""
    if seed < 1 << 32:
        return seed
    return int(torch.randint(1 << 32, (), generator=generator(seed, "scikit-learn")))


def drawn_by_id(ids: Sequence[Id], shape: Sequence[int], draw: Callable[[Id], torch.Tensor]) -> torch.Tensor:
    """(N, *shape): what `draw` gives for each id."""
    return torch.stack([draw(name) for name in ids]) if len(ids) else torch.empty(0, *shape)
