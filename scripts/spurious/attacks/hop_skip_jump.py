"""A search along the border of a decision, of which nothing but the decision is seen.

Chen, Jordan and Wainwright, "HopSkipJumpAttack: a query-efficient decision-based attack", IEEE S&P (2020),
algorithm 2.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from spurious.attacks.within import Attacked, Found, Starts, Within, judged, reached
from spurious.perturbations.balls import project
from spurious.perturbations.norms import NORMS
from spurious.seeding import drawn_by_id, generator

HALVINGS = 12  # of the line between an image and its adversary, and of a step
FIRST_DIRECTIONS = 20  # by which the first border's normal is estimated; sqrt(round) times as many later
WIDTH = 0.1  # of the directions, of a pixel's share in the distance: well above what the halvings leave
TRIES = 50  # uniform noise, and mixtures with it, until one is adversarial


@torch.no_grad()
def hop_skip_jump(
    attacked: Attacked, starts: Starts, ball: Within, *, seed: int, rounds: int, others: Sequence[Tensor] = ()
) -> Found:
    """Images that are classified as a wrong class and not rejected, as near as `rounds` bring them; cut to the ball.

    Each begins at its mixture with uniform noise that is so; where all noise is rejected, or of the label, at the
    nearest (L2) of `others` that is so, images (C, h, w) in [0, 1] of any size. Only decisions are seen. Success is
    being wrong within the ball. What is drawn for an image is decided by (seed, id).
    """
    begin, missing = _mixtures_with_noise(attacked, starts, seed)
    if len(missing) and len(others):
        begin[missing] = _nearest_others(attacked, starts.at(missing), others)
    live = reached(attacked.scores(begin), starts.labels, "wrong").nonzero().flatten()
    own, near = starts.at(live), begin[live]
    wrong = _Wrong(attacked, own.labels)
    near = _to_border(wrong, own.images, near, ball.norm)
    for number in range(1, rounds + 1):
        if not len(live):
            break
        normal = _normal(wrong, own, near, ball.norm, f"{seed}, {number}", number)
        size = NORMS[ball.norm].size(near - own.images) / math.sqrt(number)
        stepped = _step(wrong, near, normal, size)
        nearer = _to_border(wrong, own.images, stepped, ball.norm)
        gained = NORMS[ball.norm].size(nearer - own.images) < NORMS[ball.norm].size(near - own.images)
        near = torch.where(gained[:, None, None, None], nearer, near)
    found = starts.images.clone()
    found[live] = project(near, own.images, ball)
    return judged(attacked, found, starts.labels)


class _Wrong:
    """Whether images are classified as a wrong class and accepted."""

    def __init__(self, attacked: Attacked, labels: Tensor):
        self.attacked, self.labels = attacked, labels

    def __call__(self, images: Tensor) -> Tensor:
        """(n,) for images (n, C, H, W)."""
        return reached(self.attacked.scores(images), self.labels, "wrong")


def _mixtures_with_noise(attacked: Attacked, starts: Starts, seed: int) -> tuple[Tensor, Tensor]:
    """For each start an image that is classified as a wrong class, the start itself where none was found: at the places
    (n,), which come second.
    """
    images, shape = starts.images.clone(), starts.images.shape[1:]
    missing = ~reached(attacked.scores(images), starts.labels, "wrong")
    for number in range(TRIES):
        left = missing.nonzero().flatten()
        if not len(left):
            break
        names = [f"{starts.ids[place]}, {number // 5}" for place in left.tolist()]
        noise = drawn_by_id(names, shape, lambda name: torch.rand(shape, generator=generator(seed, "hop", name)))
        share = (number % 5 + 1) / 5  # from mixtures with the image to noise alone
        tried = starts.images[left] * (1 - share) + noise.to(images.device) * share
        hit = reached(attacked.scores(tried), starts.labels[left], "wrong")
        images[left[hit]] = tried[hit]
        missing[left[hit]] = False
    return images, missing.nonzero().flatten()


def _nearest_others(attacked: Attacked, starts: Starts, others: Sequence[Tensor]) -> Tensor:
    """For each start the nearest of the others that is classified as a wrong class, the start itself where none is."""
    size = starts.images.shape[2:]
    there = torch.cat([interpolate(each[None], size, mode="bilinear") for each in others]).to(starts.images.device)
    scores = attacked.scores(there)
    wrong = torch.stack([reached(scores, label.expand(len(there)), "wrong") for label in starts.labels])
    distances = torch.cdist(starts.images.flatten(1), there.flatten(1)).masked_fill(~wrong, math.inf)
    nearest = distances.min(1)
    return torch.where(nearest.values.isfinite()[:, None, None, None], there[nearest.indices], starts.images)


def _to_border(wrong: _Wrong, start: Tensor, far: Tensor, norm: str) -> Tensor:
    """The nearest images to `start` between it and `far`, which are wrong, that still are: by halving.

    On the way that the norm's `cut` takes: in L2 along the line, in L-inf through ever smaller boxes around the start.
    """
    low, high = torch.zeros(len(far), device=far.device), NORMS[norm].size(far - start)
    best = far
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = NORMS[norm].cut(far, start, middle)
        hit = wrong(tried)
        best = torch.where(hit[:, None, None, None], tried, best)
        low, high = torch.where(hit, low, middle), torch.where(hit, middle, high)
    return best


def _normal(wrong: _Wrong, starts: Starts, near: Tensor, norm: str, seed: str, number: int) -> Tensor:
    """The direction of size 1 into the wrong side at the border, from decisions around it: equations 9 and 16."""
    shape = near.shape[1:]
    directions = round(FIRST_DIRECTIONS * math.sqrt(number))
    drawn = drawn_by_id(
        starts.ids,
        (directions, *shape),
        lambda name: torch.randn((directions, *shape), generator=generator(seed, "directions", name)),
    ).to(near.device)
    drawn = drawn / drawn.flatten(2).norm(dim=2)[:, :, None, None, None]
    width = NORMS[norm].size(near - starts.images) * (WIDTH / NORMS[norm].span(shape))
    votes = []
    for place in range(directions):
        around = (near + width[:, None, None, None] * drawn[:, place]).clamp(0, 1)
        votes.append(wrong(around).float() * 2 - 1)
    signs = torch.stack(votes, 1)  # (n, directions)
    mean = signs.mean(1, keepdim=True)
    weights = torch.where(mean.abs() == 1, signs, signs - mean)
    return NORMS[norm].direction((weights[:, :, None, None, None] * drawn).mean(1))


def _step(wrong: _Wrong, near: Tensor, normal: Tensor, size: Tensor) -> Tensor:
    """The images after a step along the normal, halved until they are wrong; where they were else."""
    result, left = near.clone(), torch.ones(len(near), dtype=torch.bool, device=near.device)
    for _ in range(HALVINGS):
        if not left.any():
            break
        tried = (near + size[:, None, None, None] * normal).clamp(0, 1)
        hit = wrong(tried) & left
        result[hit] = tried[hit]
        left, size = left & ~hit, size / 2
    return result
