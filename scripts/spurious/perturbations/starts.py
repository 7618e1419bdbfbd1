"""What attacks and searches start from, by name: noise, averages, or the image itself."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from spurious.errors import SpuriousError

if TYPE_CHECKING:  # planning reads the names of starts without torch
    from torch import Generator, Tensor

    from spurious.seeding import Id

# A function of a number N, of images (R, C, H, W), float32 in [0, 1], and of a CPU generator, to N images (N, C, H, W)
# in [0, 1]. Those that need no image read the shape alone.
Start = Callable[[int, "Tensor", "Generator"], "Tensor"]

IMAGE = "image"


def uniform(count: int, references: "Tensor", generator: "Generator") -> "Tensor":
    """Noise U[0, 1]."""
    import torch

    return torch.rand((count, *references.shape[1:]), generator=generator)


def averages(count: int, references: "Tensor", generator: "Generator") -> "Tensor":
    """Means over `count` disjoint random parts of the references; SpuriousError where there are too few."""
    import torch

    if len(references) < count:
        raise SpuriousError(f"start: averages needs at least {count} training images of a label, not {len(references)}")
    parts = torch.randperm(len(references), generator=generator).tensor_split(count)
    return torch.stack([references[part].mean(0) for part in parts])


# Of a search for images of a label (`backworking.searches`): the images it is given are the label's training images.
STARTS: dict[str, Start] = {"uniform": uniform, "averages": averages}
# Of an attack (`fooling.methods`): each start is drawn by itself, and given one test image. None is the image itself,
# which alone has a label.
ATTACK_STARTS: dict[str, Start | None] = {IMAGE: None, "noise": uniform}


def attack_starts(name: str, ids: "Sequence[Id]", image: "Tensor", seed: int | str) -> "Tensor":
    """Images (N, C, H, W) that an attack starts from which has no image of its own, each decided by (seed, id).

    `name` is one of ATTACK_STARTS but IMAGE; `image` (1, C, H, W) is what its function is given.
    """
    from spurious.seeding import drawn_by_id, generator

    draw = ATTACK_STARTS[name]
    return drawn_by_id(ids, image.shape[1:], lambda own: draw(1, image, generator(seed, f"start {name}", own))[0])
