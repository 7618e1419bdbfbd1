"""Attacks that follow the gradient of a classifier that may reject."""

from collections.abc import Callable, MutableMapping
from functools import partial
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from spurious.attacks.apgd import Evaluate, ascend
from spurious.attacks.margins import joint
from spurious.attacks.objectives import Reduce, denial, objective, only, reductions, wanted_classes
from spurious.attacks.within import Attacked, Found, Goal, Starts, Within, judged, reached
from spurious.errors import SpuriousError
from spurious.perturbations.balls import random_start
from spurious.seeding import Id

Kept = MutableMapping[tuple[Within, int, Id], Tensor]  # what the search of a ball and a restart ended with, by image


def white_box(
    attacked: Attacked,
    starts: Starts,
    ball: Within,
    *,
    seed: int,
    steps: int,
    restarts: int,
    targets: int,
    away: bool = True,
    target_losses: Literal["joint", "all"] = "joint",
    on_steps: Callable[[int, int], object] = lambda done, total: None,
) -> Found:
    """Images within the ball that are classified as a wrong class and not rejected, or the best that were found.

    One search after the other goes on with the images that are left: with `away` from the label, by the margin of the
    joint decision, the sum of the views' margins and every smallest majority of views; then towards each of the
    `targets` likeliest wrong classes, by the joint decision or by `all` of these. All begin at the image itself; those
    away from the label run `restarts` times, the later ones from anywhere in the ball, which (seed, id) decide.
    `on_steps` is called with how many more steps are done, and with their number in all searches.
    """
    with torch.no_grad():
        clean = attacked.margins(starts.images)
    views, classes = len(clean), clean.shape[2]
    wrong = wanted_classes(starts.labels, classes)
    likeliest = clean.mean(0).masked_fill(~wrong, -torch.inf).argsort(dim=1, descending=True, stable=True)
    losses = reductions(views)
    searches = [
        (restart, name, reduce, wrong)
        for restart, (name, reduce) in product(range(restarts if away else 0), losses.items())
    ]
    towards = losses if target_losses == "all" else {"joint": losses["joint"]}
    for rank, (name, reduce) in product(range(min(targets, classes - 1)), towards.items()):
        searches.append((0, f"target {rank}, {name}", reduce, only(likeliest[:, rank], classes)))
    count = partial(on_steps, total=steps * len(searches))
    found = judged(attacked, starts.images, starts.labels)
    for restart, name, reduce, wanted in searches:
        left, own, begin = _left(found, starts, ball, f"{seed}, {name}", restart)
        evaluate = raising(attacked, own.labels, reduce, wanted[left])
        _take(found, left, ascend(evaluate, own.images, begin, ball, steps, on_steps=count))
    return judged(attacked, found.images, starts.labels)


def deny(attacked: Attacked, starts: Starts, ball: Within, *, seed: int, steps: int, restarts: int) -> Found:
    """Images within the ball that are rejected, or the nearest to it that were found.

    By the joint decision, the sum of the margins and every smallest majority of views.
    """
    with torch.no_grad():
        views = len(attacked.margins(starts.images[:1])) if len(starts.images) else 1
    found = judged(attacked, starts.images, starts.labels, "rejected")
    for restart, (name, reduce) in product(range(restarts), reductions(views).items()):
        left, own, begin = _left(found, starts, ball, f"{seed}, denial, {name}", restart)
        _take(found, left, ascend(denying(attacked, own.labels, reduce), own.images, begin, ball, steps))
    return judged(attacked, found.images, starts.labels, "rejected")


def oblivious(
    attacked: Attacked,
    undefended: Attacked,
    starts: Starts,
    ball: Within,
    *,
    seed: int,
    steps: int,
    restarts: int,
    drawn_for: str = "oblivious",
    kept: Kept | None = None,
) -> Found:
    """What an attacker finds who does not know of the defence: images that the undefended classifier takes for a wrong
    class by the largest margin; judged by the defence. `drawn_for` is part of the seed of what restarts draw.

    What the searches end with is added to `kept`, and taken from there: one defence may use what another has paid for,
    where everything but the defence is the same.
    """
    found, kept = judged(attacked, starts.images, starts.labels), {} if kept is None else kept
    for restart in range(restarts):
        left, own, begin = _left(found, starts, ball, f"{seed}, {drawn_for}", restart)
        names = [(ball, restart, name) for name in own.ids]
        new = torch.tensor([place for place, name in enumerate(names) if name not in kept], dtype=torch.int64)
        if len(new):
            ended = _without_defence(undefended, own.at(new), begin[new], ball, steps)
            kept.update(zip((names[place] for place in new.tolist()), ended, strict=True))
        if names:
            images = torch.stack([kept[name] for name in names])
            _take(found, left, judged(attacked, images, own.labels))
    return judged(attacked, found.images, starts.labels)


def _without_defence(undefended: Attacked, starts: Starts, begin: Tensor, ball: Within, steps: int) -> Tensor:
    """The images (n, C, H, W) of the largest margin of a wrong class, for the undefended classifier."""
    with torch.no_grad():
        classes = undefended.scores(starts.images[:1]).shape[1] - 1
    evaluate = raising(undefended, starts.labels, reductions(1)["joint"], wanted_classes(starts.labels, classes))
    return ascend(evaluate, starts.images, begin, ball, steps, stop=False).images


def transfer(
    attacked: Attacked,
    source: Attacked,
    starts: Starts,
    ball: Within,
    *,
    seed: int,
    steps: int,
    restarts: int,
    kept: Kept | None = None,
) -> Found:
    """What an attacker finds who has another classifier: images that `source` takes for a wrong class by the largest
    margin; judged by `attacked`. `kept`: as in `oblivious`. SpuriousError where the source tells other classes apart,
    or has no gradient.
    """
    with torch.no_grad():
        classes = [each.scores(starts.images[:1]).shape[1] - 1 for each in (source, attacked) if len(starts.images)]
    if len(set(classes)) > 1:
        raise SpuriousError("transfer: from a classifier of {} classes to one of {}; name another".format(*classes))
    try:
        return oblivious(
            attacked, source, starts, ball, seed=seed, steps=steps, restarts=restarts, drawn_for="transfer", kept=kept
        )
    except SpuriousError as error:
        raise SpuriousError(f"transfer: from another classifier: {error}") from None


def raising(attacked: Attacked, labels: Tensor, reduce: Reduce, wanted: Tensor) -> Evaluate:
    """The objective of `wanted` classes (N, K), and whether the decision is a wrong class; `labels` (N,)."""
    return _evaluating(attacked, labels, "wrong", lambda margins, places: objective(reduce(margins), wanted[places]))


def vanishes(attacked: Attacked, starts: Starts) -> Tensor:
    """(N,) bool: whether the gradient of the joint decision, away from the label, is 0 at the start, or none."""
    images = starts.images.detach().requires_grad_()
    with torch.enable_grad():
        margins = attacked.margins(images)
        value = objective(joint(margins)[:, :-1], wanted_classes(starts.labels, margins.shape[2]))
    if not value.requires_grad:
        return torch.ones(len(images), dtype=torch.bool, device=images.device)
    (gradients,) = torch.autograd.grad(value.sum(), images)
    return (gradients == 0).flatten(1).all(1)


def denying(attacked: Attacked, labels: Tensor, reduce: Reduce) -> Evaluate:
    """The objective of a rejection, and whether the decision is one."""
    return _evaluating(attacked, labels, "rejected", lambda margins, places: denial(reduce(margins)))


def _evaluating(attacked: Attacked, labels: Tensor, goal: Goal, value: Callable[[Tensor, Tensor], Tensor]) -> Evaluate:
    """The `value` of the margins (V, n, K) of images and of their places (n,), and whether the goal is reached."""

    def evaluate(images: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        margins = attacked.margins(images)
        return value(margins, places), reached(joint(margins.detach()), labels[places], goal)

    return evaluate


def _left(found: Found, starts: Starts, ball: Within, seed: str, restart: int) -> tuple[Tensor, Starts, Tensor]:
    """The places (n,) of the images that are left, these, and where to begin: at them, or anywhere in the ball."""
    left = (~found.success).nonzero().flatten()
    own = starts.at(left)
    if restart == 0:
        return left, own, own.images
    begin = random_start(own.images.cpu(), own.ids, ball, f"{seed}, {restart}")
    return left, own, begin.to(own.images.device)


def _take(found: Found, places: Tensor, other: Found) -> None:
    """Put what another search ended with at these places, none of which had succeeded before."""
    found.images[places] = other.images
    found.success[places] = other.success
