"""Random changes of the same size: what an attack must beat."""

import torch

from spurious.attacks.within import Attacked, Found, Starts, Within, judged
from spurious.perturbations.balls import pushed
from spurious.perturbations.norms import NORMS
from spurious.seeding import drawn_by_id, generator


@torch.no_grad()
def random_directions(
    attacked: Attacked, starts: Starts, ball: Within, *, seed: int, directions: int, at_once: int = 250
) -> Found:
    """The first of so many random changes of the whole size that is classified as a wrong class and not rejected.

    In L-inf these are random signs. What is drawn for an image is decided by (seed, id); `at_once` images are judged
    together.
    """
    found = judged(attacked, starts.images, starts.labels)
    norm, shape, device = NORMS[ball.norm], starts.images.shape[1:], starts.images.device
    done = 0
    while done < directions and not found.success.all():
        left = (~found.success).nonzero().flatten()
        count = min(directions - done, max(1, at_once // len(left)))
        own = starts.at(left.repeat_interleave(count))
        names = [f"{name}, {done + number}" for name in starts.at(left).ids for number in range(count)]
        drawn = drawn_by_id(
            names, shape, lambda name: norm.random_direction(shape, generator(seed, "random direction", name))
        )
        tried = judged(attacked, pushed(own.images, drawn.to(device), ball), own.labels)
        hits = tried.success.view(len(left), count)
        first = hits.float().argmax(1)  # the first hit, or the first try
        found.images[left] = tried.images.view(len(left), count, *shape)[torch.arange(len(left)), first]
        found.success[left] = hits.any(1)
        done += count
    return judged(attacked, found.images, starts.labels)
