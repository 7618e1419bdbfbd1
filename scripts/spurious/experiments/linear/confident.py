"""The table of how large a change makes a linear classifier sure of a wrong class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spurious.experiments.linear.regularization import decays_of
from spurious.frames import Arrays
from spurious.rates import mean_over_seeds, of_images, over_seeds
from spurious.statistics.order_statistics import order_statistic_median

LEVELS = 255  # of a pixel, above 0
COLUMNS = ["weight_decay", "seed", "n", "reached", "reached_low", "reached_high", "linf_median", "low", "high"]
COLUMNS += ["levels_median", "least_median", "seeds"]


def confident(steps: Sequence[Arrays]) -> pd.DataFrame:
    """How much of a wrong class's template makes a classifier sure of it: a row per (weight_decay, seed) and "all".

    `steps` of every seed: `seed, weight_decays (decays,), right, confident_linf, confident_least (decays, images)`, see
    `spurious.attacks.confident_steps`. Of the `n` attacked images that are right before, each with one target drawn at
    random: `reached`, the share that can be made sure of the target while every pixel stays in [0, 1], with its 95 %
    interval; `linf_median`, the median of the smallest changes along the template (L-infinity, pixel units), with its
    interval by order statistics, and `levels_median`, the same in 255 levels; images that are not reached count as inf.
    `least_median`: the median of what no change in whatever direction falls below. In a row "all" the medians are means
    over the `seeds`, n counts the images of all seeds, and intervals are of both, seeds and images.
    """
    files = sorted(steps, key=lambda file: int(file["seed"]))
    rows = []
    for decay in sorted(set(decays_of(files[0]))):
        own = [_attacked(file, decay) for file in files]
        measured = [_row(sizes) | {"seed": int(file["seed"])} for sizes, file in zip(own, files, strict=True)]
        rows += [row | {"weight_decay": decay} for row in (*measured, _overall(measured) | _reached(own))]
    table = pd.DataFrame(rows).assign(levels_median=lambda table: LEVELS * table["linf_median"])
    return table[COLUMNS]


def _attacked(steps: Arrays, decay: float) -> pd.DataFrame:
    """`id, linf, least` of the images that are right before."""
    place = decays_of(steps).index(decay)
    right = steps["right"][place].astype(bool)
    sizes = {name: steps[f"confident_{name}"][place][right].astype(float) for name in ("linf", "least")}
    return pd.DataFrame({"id": np.flatnonzero(right), **sizes})


def _row(sizes: pd.DataFrame) -> dict[str, object]:
    reached = of_images(np.isfinite(sizes["linf"]))
    row = {"n": reached.n, "seeds": 1, **reached.columns("reached", "reached_")}
    row |= dict(zip(("linf_median", "low", "high"), order_statistic_median(sizes["linf"]), strict=True))
    return row | {"least_median": order_statistic_median(sizes["least"])[0]}


def _reached(sizes: Sequence[pd.DataFrame]) -> dict[str, object]:
    """The share over the seeds, which share the test images."""
    every = pd.concat([own.assign(seed=seed) for seed, own in enumerate(sizes)], ignore_index=True)
    reached = over_seeds(np.isfinite(every["linf"]), every["seed"], every["id"])
    return {"n": reached.n, **reached.columns("reached", "reached_")}


def _overall(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """The medians over the seeds of one weight decay, with their interval."""
    frame = pd.DataFrame(rows)
    _, low, high = mean_over_seeds(frame["linf_median"], frame["low"], frame["high"])
    means = {name: frame[name].mean() for name in ("linf_median", "least_median")}  # of seeds that are right on any
    return {"seed": "all", "seeds": len(rows), **means, "low": low, "high": high}
