"""Attacks on a defence and its certificates on a GPU, held against the CPU; for the tolerances see paths.py."""

from collections.abc import Iterator

import torch

from comparing import Agreement, Bench, Values, largest, mean, number, path
from spurious.attacks.expectation import move_away
from spurious.attacks.on_decisions import HopSkipJump, Square, WhiteBox
from spurious.attacks.within import Starts, Within
from spurious.defences.defended import Defended
from spurious.defences.entries import Undefended, Vote
from spurious.defences.smoothed import Noise, Smoothed
from spurious.perturbations.balls import sizes
from spurious.seeding import generator
from subjects import cnn, tested


@path("float32", unit="images/s")
def attacks_on_the_vote(bench: Bench) -> Iterator[Agreement]:
    """The gradient, random squares and a search along the border against the vote, from the same test images.

    Compared are the scores of the decision on the images, whether a change keeps to the ball, and how many are found.
    """
    images, labels = (tensor[:20] for tensor in tested(bench.size))
    ball = Within(norm="linf", epsilon=0.1)
    attacks = {
        "white box": WhiteBox(steps=bench.size.steps, targets=1),
        "square": Square(queries=bench.size.steps),
        "hop-skip-jump": HopSkipJump(rounds=2),
    }

    def run(device: torch.device) -> Values:
        model = cnn(bench.size, device)
        vote, plain = Defended(Vote(), model), Defended(Undefended(), model)
        starts = Starts(images=images.to(device), labels=labels.to(device), ids=range(len(images)))
        values = {"scores": vote.scores(starts.images)}
        for name, attack in attacks.items():
            found = attack(vote, plain, starts, ball, seed=0)
            change = sizes(found.images, starts.images)[ball.norm][found.success]
            beyond = torch.cat([change, change.new_zeros(1)]).max() - ball.epsilon
            values |= {f"{name}: beyond": beyond.clamp(min=0), f"{name}: found": found.success}
        return values

    cpu, gpu = bench.both(run, work=len(images) * len(attacks))
    yield largest("scores", cpu["scores"], gpu["scores"], 1e-4)  # logits up to some tens
    for name in attacks:
        beyond, found = f"{name}: beyond", f"{name}: found"
        yield number(f"{name}: change beyond epsilon", cpu[beyond], gpu[beyond], 1e-6)  # rounding
        yield mean(f"{name}: found", cpu[found], gpu[found], 0.1)  # two of 20 images


@path("float32", unit="draws/s")
def certification(bench: Bench) -> Iterator[Agreement]:
    """The decisions of the smoothed vote, counted under noise that is the CPU's, and a step of the attack on it."""
    images, draws = tested(bench.size)[0][:8], 500
    noise = 0.5 * torch.randn((16, *images.shape[1:]), generator=generator("gpu", "noise"))

    def run(device: torch.device) -> Values:
        scores = Defended(Vote(), cnn(bench.size, device)).scores
        subject = Smoothed(scores, Noise(0.5, seed=0, batch_size=250))
        own = list(images.to(device))
        counts = torch.stack([subject.counts(image, place, draws, "estimation") for place, image in enumerate(own)])
        moved = [move_away(scores, image, 0, 1.0, lambda _: noise.to(device), steps=1) for image in own]
        return {"shares": counts / draws, "moved": torch.stack(moved)}

    cpu, gpu = bench.both(run, work=len(images) * draws)
    yield largest("shares of the decisions", cpu["shares"], gpu["shares"], 0.005)  # draws at a border of two classes
    yield largest("images after a step", cpu["moved"], gpu["moved"], 1e-3)
