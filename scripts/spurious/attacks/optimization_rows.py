"""Rows of searches: every stored image classified again, and p at every step."""

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.optimization import SearchResult
from spurious.attacks.scores import Scores


def image_rows(
    scores: Scores, label: int, found: dict[str, SearchResult], identification: dict[str, object]
) -> list[pd.DataFrame]:
    """A row per stored image, classified again: `scores` gives the classifier's probabilities (n, K) of images.

    The images of a search that did not clamp are judged twice: as they are, and clamped to [0, 1] under the
    name "<search>, clamped".
    """
    parts = []
    for name, result in found.items():
        versions = {name: result.images}
        if not result.clamped:
            versions[f"{name}, clamped"] = result.images.clamp(0, 1)
        for version, images in versions.items():
            run = {"search": version, "image": range(len(images)), "steps": result.steps}
            columns = (
                identification
                | run
                | {"reinitialized": result.reinitialized}
                | label_probability(scores, label, images)
            )
            parts.append(pd.DataFrame(columns))
    return parts


def label_probability(scores: Scores, label: int, images: Tensor) -> dict[str, Tensor]:
    """Columns `predicted` and `p` (the probability of `label`) of images (N, C, H, W)."""
    probabilities = scores(images)
    return {"predicted": probabilities.argmax(1), "p": probabilities[:, label]}


def trace_rows(found: dict[str, SearchResult], identification: dict[str, object]) -> list[pd.DataFrame]:
    """A row per image and step of every search: its p of the label."""
    parts = []
    for name, result in found.items():
        steps, images = torch.meshgrid(*(torch.arange(size) for size in result.trace.shape), indexing="ij")
        columns = {"search": name, "step": steps.flatten(), "image": images.flatten(), "p": result.trace.flatten()}
        parts.append(pd.DataFrame(identification | columns))
    return parts
