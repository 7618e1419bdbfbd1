"""Rows of the ablation: searches that differ from the published one in a single key, from the same images."""

import pandas as pd
import torch
from torch import Tensor, nn

from spurious.attacks.cost import NearestImage, build_cost, reference_activations
from spurious.attacks.optimization import optimize_images
from spurious.attacks.optimization_rows import label_probability
from spurious.attacks.scores import Scores
from spurious.experiments.backworking.settings import AblationSettings
from spurious.perturbations.starts import STARTS
from spurious.seeding import generator

NEAR = 0.1  # of the median distance between starting images: nearer pairs collide


def ablation_rows(
    model: nn.Module,
    scores: Scores,
    label: int,
    references: Tensor,
    tested: Tensor,
    ablation: AblationSettings,
    seed: int | str,
) -> pd.DataFrame:
    """A row per setting and image, from the same starting images in every setting.

    `references` (R, C, H, W) and `tested` (T, C, H, W) are the label's training and test images, in [0, 1]. Columns
    `setting, batch, image, steps, reinitialized, predicted, p`; `start_distance` and `distance`, to the nearest
    training image of the label before and after the search, and `test_distance`, the median of its test images (root
    mean squared differences of pixels); `near` of the `pairs` with the others of its batch are closer than NEAR times
    the median distance between the starting images of the batch.
    """
    nearest, activations = NearestImage(references), reference_activations(model, references)
    test_distance = nearest.distances(tested).sqrt().median().item()
    parts = []
    for name, setting in ablation.settings.items():
        cost = build_cost(activations, setting) if setting.objective == "cost" else None
        start = STARTS[setting.start](ablation.images, references, generator(seed, "ablation", label))
        for place, own in enumerate(start.split(setting.batch)):
            restart = generator(seed, "ablation restart", label, place)
            found = optimize_images(model, label, own, setting, restart, cost)
            own_rows = {
                "image": range(place * setting.batch, place * setting.batch + len(own)),
                "steps": found.steps,
                "reinitialized": found.reinitialized,
                **label_probability(scores, label, found.images),
                "start_distance": nearest.distances(own).sqrt(),
                "distance": nearest.distances(found.images).sqrt(),
                "near": collisions(own, found.images),
                "pairs": len(own) - 1,
            }
            parts.append(pd.DataFrame({"setting": name, "batch": setting.batch, **own_rows}))
    return pd.concat(parts, ignore_index=True).assign(test_distance=test_distance)


def collisions(start: Tensor, images: Tensor) -> Tensor:
    """(N,) how many of the other images (N, ...) each one is nearer to than NEAR times the starts' median distance."""
    apart = torch.pdist(start.flatten(1)).median()
    near = torch.cdist(images.flatten(1), images.flatten(1), compute_mode="donot_use_mm_for_euclid_dist") < NEAR * apart
    return near.sum(1) - 1
