"""Random search with squares, which sees scores only.

Andriushchenko, Croce, Flammarion and Hein, "Square attack: a query-efficient black-box adversarial attack via random
search", ECCV (2020), algorithms 1 to 3. In L2 too the first candidate has stripes, not the tiles of the original.
"""

import math

import torch
from torch import Tensor

from spurious.attacks.objectives import objective, wanted_classes
from spurious.attacks.within import Attacked, Found, Starts, Within, judged, reached
from spurious.perturbations.balls import project, pushed
from spurious.perturbations.norms import NORMS
from spurious.seeding import drawn_by_id, generator

SHARE = 0.3  # p, of the pixels that the first squares change: as there against robust classifiers of small images
HALVED_AT = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # of the queries; 10, 50, 200, ... of 10,000


def side(query: int, queries: int, shape: tuple[int, int, int]) -> int:
    """The side in pixels of the square of a query, from 1 on, in images (C, H, W)."""
    share = SHARE / 2 ** sum(query > part * queries for part in HALVED_AT)
    return max(1, min(round(math.sqrt(share * shape[1] * shape[2])), *shape[1:]))


@torch.no_grad()
def square(attacked: Attacked, starts: Starts, ball: Within, *, seed: int, queries: int) -> Found:
    """Images within the ball that are classified as a wrong class and not rejected, or the best that were found.

    The first candidate changes stripes by the whole size; every other sets one square to the ends of the ball (L-inf),
    or adds to one square what it takes from the whole (L2), and is kept where the objective, which only needs scores,
    rises. What is drawn for an image is decided by (seed, id).
    """
    shape, device = tuple(starts.images.shape[1:]), starts.images.device
    drawn = drawn_by_id(starts.ids, shape, lambda name: _stripes(shape, generator(seed, "square, first", name)))
    candidates = pushed(starts.images, NORMS[ball.norm].direction(drawn.to(device)), ball)
    found, live = starts.images.clone(), torch.arange(len(starts.images), device=device)
    most = torch.full((len(live),), -math.inf, device=device)
    generators = [generator(seed, "square", name) for name in starts.ids]
    for query in range(1, queries + 1):
        if not len(live):
            break
        scores = attacked.scores(candidates)
        value = objective(scores[:, :-1], wanted_classes(starts.labels[live], scores.shape[1] - 1))
        done = reached(scores, starts.labels[live], "wrong")
        better = (value > most) | done
        found[live[better]], most = candidates[better], torch.where(better, value, most)
        live, most = live[~done], most[~done]
        draws = [torch.rand(5 + shape[0], generator=generators[place]) for place in live.tolist()]
        numbers = torch.stack(draws).to(device) if draws else torch.empty(0, 5 + shape[0], device=device)
        candidates = _with_squares(found[live], starts.images[live], ball, numbers, side(query, queries, shape))
    return judged(attacked, found, starts.labels)


def _stripes(shape: tuple[int, int, int], own: torch.Generator) -> Tensor:
    """Signs (C, H, W), one for each column of each channel."""
    channels, height, width = shape
    return torch.randint(2, (channels, 1, width), generator=own).mul(2).sub(1).float().expand(channels, height, width)


def _with_squares(images: Tensor, start: Tensor, ball: Within, numbers: Tensor, width: int) -> Tensor:
    """Images (n, C, H, W) with a new square each, from `numbers` (n, 5 + C) in [0, 1): places, how it lies, signs."""
    inside, down, right = _window(images.shape, numbers[:, :2], width)
    signs = torch.where(numbers[:, 5:, None, None] < 0.5, -1.0, 1.0)
    if ball.norm == "linf":
        return project(torch.where(inside, start + ball.epsilon * signs, images), start, ball)
    bump = pyramids(width).to(images.device)
    bump = torch.where(numbers[:, 4, None, None] < 0.5, bump[down, right], bump[right, down])[:, None] * inside
    emptied, _, _ = _window(images.shape, numbers[:, 2:4], width)
    return project(start + _l2_change(images - start, inside, emptied, signs * bump, ball.epsilon), start, ball)


def _window(shape: torch.Size, places: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Squares at `places` (n, 2) in [0, 1): whether each pixel is inside (n, 1, H, W), and its row (n, H, 1) and column
    (n, 1, W) in the square, cut to it.
    """
    corner = (places * torch.tensor([shape[2] - width + 1, shape[3] - width + 1], device=places.device)).long()
    down = torch.arange(shape[2], device=places.device) - corner[:, :1]
    right = torch.arange(shape[3], device=places.device) - corner[:, 1:]
    inside = ((down >= 0) & (down < width))[:, :, None] & ((right >= 0) & (right < width))[:, None, :]
    return inside[:, None], down.clamp(0, width - 1)[:, :, None], right.clamp(0, width - 1)[:, None, :]


def _l2_change(change: Tensor, inside: Tensor, emptied: Tensor, bump: Tensor, epsilon: float) -> Tensor:
    """The change (n, C, H, W) with what lies in two windows, and what is left of epsilon, put along `bump` and the old
    direction into the first; the second is left empty. Algorithm 3.
    """
    spare = (epsilon**2 - _squared(change, (1, 2, 3))).clamp(min=0) / change.shape[1]
    old = change * inside
    direction = bump + old / _squared(old, (2, 3)).sqrt().clamp(min=1e-10)
    direction = torch.where(_squared(direction, (2, 3)) > 1e-6, direction, bump)  # a single pixel may cancel itself
    size = (_squared(change * (inside | emptied), (2, 3)) + spare).sqrt()
    new = direction / _squared(direction, (2, 3)).sqrt().clamp(min=1e-10) * size
    return torch.where(inside, new, change * ~emptied)


def _squared(values: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    return values.square().sum(dimensions, keepdim=True)


def pyramids(width: int) -> Tensor:
    """A bump and a dent side by side (width, width), of length 1: equation 2 and figure 3."""
    if width == 1:
        return torch.ones(1, 1)
    half = width // 2
    both = torch.cat([_pyramid(half, width), -_pyramid(width - half, width)])
    return both / both.norm()


def _pyramid(height: int, width: int) -> Tensor:
    """Nested rectangles (height, width) around the middle, the one after k others 1 / (k + 1)^2 higher; of length 1."""
    rows, columns = ((torch.arange(size) - size // 2).abs() for size in (height, width))
    ring = torch.maximum(rows[:, None], columns[None, :])
    terms = 1 / torch.arange(1, int(ring.max()) + 2).float() ** 2
    bump = terms.flip(0).cumsum(0).flip(0)[ring]
    return bump / bump.norm()
