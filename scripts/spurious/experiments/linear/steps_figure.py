"""The figure of how far images lie from another class, as distributions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from spurious.data.datasets import to_float
from spurious.data.splits import Split, Splits
from spurious.experiments.linear.regularization import decays_of
from spurious.figures.legends import legend_below
from spurious.figures.page import nothing
from spurious.figures.style import GREY, WIDTH, styled
from spurious.frames import Arrays, held_out
from spurious.rates import over_seeds

POINTS = 100  # of a curve
LEAST = 0.005  # of the images lie left of the axis
PALEST = 0.8  # of the colours' scale; beyond, lines are too pale
AXIS = "L2 step to the nearest other class, pixels in [0, 1], log scale"
CHUNK = 1000  # images that are read at a time
NOTHING = "Nothing to show: no classifier of the sweep is right anywhere."


@styled
def step_curves(sizes: Mapping[float, pd.DataFrame], norm: float, title: str, *, split: str = "test") -> Figure:
    """The share of images within so large a step of another class: a line with its 95 % interval per weight decay.

    `sizes`: by weight decay `seed, id, size`, the L2 step of every image of every seed. `norm`: the median L2 norm of
    these images, marked.
    """
    sizes = {decay: sizes[decay] for decay in sorted(sizes) if len(sizes[decay])}
    every = np.concatenate([own["size"].to_numpy() for own in sizes.values()] or [np.empty(0)])
    every = every[np.isfinite(every) & (every > 0)]  # equal templates have no step between them
    if not every.size:
        return nothing(title, NOTHING)
    reached = np.geomspace(np.quantile(every, LEAST), 1.05 * max(every.max(), norm), POINTS)
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    colors = map(to_hex, colormaps["viridis"](np.linspace(0, PALEST, len(sizes))))
    for color, (decay, own) in zip(colors, sizes.items(), strict=True):
        share, low, high = _shares(own, reached)
        axes.plot(reached, share, color=color, label=f"{decay:g} (n = {len(own):,})")
        axes.fill_between(reached, low, high, color=color, alpha=0.12, linewidth=0)
    _mark_norm(axes, norm)
    _step_axis(axes, reached)
    axes.set(ylim=(-0.02, 1.02), ylabel=f"share of the {split} images that are right")
    handles, texts = axes.get_legend_handles_labels()
    legend_below(figure, handles, texts, title="weight decay", title_fontsize=8.5)
    figure.suptitle(title if len(sizes) > 1 else f"{title}, weight decay {texts[0]}")
    return figure


def _mark_norm(axes: Axes, norm: float) -> None:
    text = f"median norm of an image, {norm:.3g}"
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "right", "va": "center"}
    axes.axvline(norm, color=GREY, linestyle="--", linewidth=1)
    axes.annotate(text, (norm, 0.5), (-4, 0), rotation=90, fontsize=8, color=GREY, **place)


def _step_axis(axes: Axes, reached: np.ndarray) -> None:
    axes.set(xscale="log", xlim=(reached[0], reached[-1]), xlabel=AXIS)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _shares(own: pd.DataFrame, reached: np.ndarray) -> np.ndarray:
    """(share, low, high) (3, points) of the images whose step is at most so large."""
    rates = [over_seeds(own["size"] <= size, own["seed"], own["id"]) for size in reached]
    return np.array([(rate.rate, rate.low, rate.high) for rate in rates]).T


def figure(steps: Sequence[Arrays], splits: Splits) -> Figure:
    """The smallest steps of all seeds, of the images that a classifier got right before, beside the images' norm."""
    split = held_out(splits.by_name)
    places = torch.from_numpy(steps[0]["ids"])
    title = "how small a step takes an image that is right to another class: softmax regression"
    return step_curves(nearest(steps), median_norm(splits.by_name[split], places), title, split=split)


def nearest(steps: Sequence[Arrays]) -> dict[float, pd.DataFrame]:
    """By weight decay `seed, id, size`: the L2 step to the nearest other class of every image that is right before.

    `steps`: of every seed `seed, ids (images,), weight_decays (decays,), l2 (decays, images, classes), right (decays,
    images)`; l2 is nan for the class that the image has.
    """
    parts = {}
    for file in steps:
        l2, right, ids = (file[name] for name in ("l2", "right", "ids"))
        for place, decay in enumerate(decays_of(file)):
            kept = right[place].astype(bool)
            smallest = np.fmin.reduce(l2[place], axis=1)[kept]
            own = pd.DataFrame({"seed": int(file["seed"]), "id": ids[kept], "size": smallest})
            parts.setdefault(decay, []).append(own)
    return {decay: pd.concat(own, ignore_index=True) for decay, own in parts.items()}


def median_norm(source: Split, places: torch.Tensor) -> float:
    """The median L2 norm of the images at these places, pixels in [0, 1]."""
    norms = [to_float(source.batch(own)).flatten(1).norm(dim=1) for own in places.split(CHUNK)]
    return float(np.median(torch.cat(norms).numpy()))
