"""How softmax regression starts on pixels of 0 to 255: its first loss, and what a learning rate makes of it."""

import math

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from spurious.data.splits import Splits
from spurious.seeding import generator
from spurious.statistics.intervals import mean_interval

# Standard deviation of the weights and learning rate: the write-up's, and those that convolutional networks had.
STARTS = {"sensible": (1e-4, 0.0), "usual": (0.01, 0.0), "usual, mean kept": (0.01, 0.0), "usual rate": (1e-4, 0.01)}
FLOOR = torch.finfo(torch.float32).tiny  # FLT_MIN, below which Caffe's loss layer lets no probability fall
IMAGES, BATCH, STEPS, DRAWS = 1000, 256, 5, 3
MOMENTUM = 0.9
MOST = torch.finfo(torch.float32).max  # a loss that is no number any more has exploded


@torch.inference_mode()
def start(splits: Splits) -> pd.DataFrame:
    """The first loss of every start of STARTS, over DRAWS of the weights, on IMAGES evenly spread training images.

    Returns `start, initial_std, learning_rate, steps, classes, images, n, cross_entropy, floored, low, high, after,
    after_low, after_high`: `cross_entropy` and `floored` are mean losses, -ln p and -ln max(p, FLOOR); `after` is the
    largest cross entropy that `steps` steps of momentum MOMENTUM lead to, on batches of BATCH images, MOST where it is
    no number any more, empty without a rate. Intervals are Student's t over the n draws. The mean of every pixel is
    subtracted, but for "usual, mean kept".
    """
    source = splits.by_name["train"]
    count = min(IMAGES, len(source))
    places = torch.arange(count) * len(source) // count
    pixels, labels = source.batch(places).flatten(1).float(), source.labels[places]
    rows = []
    for name, (std, rate) in STARTS.items():
        own = pixels if name == "usual, mean kept" else pixels - pixels.mean(0)
        drawn = [losses(own, labels, splits.classes, std, rate, seed) for seed in range(DRAWS)]
        row = {"start": name, "initial_std": std, "learning_rate": rate, "steps": STEPS if rate else 0}
        rows.append(row | {"classes": splits.classes, "images": count, "n": DRAWS} | _over_draws(drawn))
    return pd.DataFrame(rows)


def _over_draws(drawn: list[tuple[float, float, float]]) -> dict[str, float]:
    entropy, floored, after = (mean_interval(values) for values in zip(*drawn, strict=True))
    return {
        "cross_entropy": entropy[0],
        **dict(zip(("floored", "low", "high"), (floored[0], *floored[2:]), strict=True)),
        **dict(zip(("after", "after_low", "after_high"), (after[0], *after[2:]), strict=True)),
    }


def losses(
    pixels: Tensor, labels: Tensor, classes: int, std: float, rate: float, seed: int
) -> tuple[float, float, float]:
    """(cross entropy, floored loss, largest loss that STEPS steps lead to; nan without a rate) of one draw of weights.

    `pixels` (N, pixels), `labels` (N,). Biases begin at 0, as in Caffe. The loss after a step is that of the batch.
    """
    weight = std * torch.randn((classes, pixels.shape[1]), generator=generator(seed, "start"))
    entropy = F.cross_entropy(pixels @ weight.T, labels, reduction="none")
    floored = entropy.clamp(max=-math.log(FLOOR)).mean().item()
    if not rate:
        return entropy.mean().item(), floored, math.nan
    bias, moved, bias_moved = torch.zeros(classes), torch.zeros_like(weight), torch.zeros(classes)
    largest = 0.0
    for step in range(STEPS):
        batch = torch.arange(step * BATCH, (step + 1) * BATCH) % len(pixels)
        own, label = pixels[batch], labels[batch]
        gradient = (torch.addmm(bias, own, weight.T).softmax(1) - F.one_hot(label, classes)) / BATCH
        moved, bias_moved = MOMENTUM * moved + gradient.T @ own, MOMENTUM * bias_moved + gradient.sum(0)
        weight, bias = weight - rate * moved, bias - rate * bias_moved
        loss = F.cross_entropy(torch.addmm(bias, own, weight.T), label)
        largest = max(largest, loss.nan_to_num(nan=MOST, posinf=MOST).item())
    return entropy.mean().item(), floored, largest
