"""What is measured of the softmax regressions of a sweep that were trained with one seed: decisions and attacks."""

from collections.abc import Callable, Mapping

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.box_steps import smallest_image_steps
from spurious.attacks.closed_form import Steps, fast_gradient_sign, rubbish_probability, smallest_steps
from spurious.attacks.confident_steps import confident_steps
from spurious.attacks.targets import random_targets
from spurious.classifiers.linear_predictions import predict_linear, prediction_rows
from spurious.data.datasets import to_float
from spurious.data.splits import Split
from spurious.errors import SpuriousError
from spurious.experiments.linear.settings import LinearSettings
from spurious.frames import held_out
from spurious.seeding import generator

RUBBISH = 2000  # inputs from N(0, I)


def check(settings: LinearSettings, splits: Mapping[str, Split], classes: int) -> None:
    """Refuse what would fail after the training only.

    Raises SpuriousError where a split is missing, or the settings name a class that is not there.
    """
    if "train" not in splits:
        raise SpuriousError(f"the data have no split train, only {', '.join(splits) or 'none'}; make them again")
    held_out(splits)
    for key, labels in (("targets", settings.targets or ()), ("pair", settings.pair or ())):
        for label in labels:
            if not 0 <= label < classes:
                raise SpuriousError(f"linear.{key}: there is no class {label}; the classes are 0 to {classes - 1}")


def with_seed(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows with the seed as their first column."""
    return pd.concat([pd.Series(seed, index=rows.index, name="seed"), rows], axis=1)


def predictions(
    weight: Tensor, bias: Tensor, splits: Mapping[str, Split], weight_decays: tuple[float, ...]
) -> pd.DataFrame:
    """Rows of `prediction_rows` with the `split`; of train only where there is no test, to show memorization.

    `weight` (decays, classes, C, H, W) and `bias` (decays, classes) are on the device that computes.
    """
    parts = []
    for split, source in splits.items():
        if split == "train" and "test" in splits:
            continue
        rows = prediction_rows(predict_linear(weight, bias, source), source.labels, weight_decays)
        rows.insert(1, "split", split)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def attacked(
    weight: Tensor,
    bias: Tensor,
    source: Split,
    settings: LinearSettings,
    seed: int,
    on_classifier: Callable[[], object] = lambda: None,
) -> dict[str, Tensor]:
    """The first images under attack, and noise; see `linear` of `spurious.experiments.linear.regularization`.

    Weights as of `predictions`. Every tensor but `ids` and `targets` has one entry per weight decay. `targets`: the
    wrong class, drawn for every image, that `confident_steps` make the classifiers sure of. `on_classifier` is called
    after each.
    """
    ids = torch.arange(len(source))[: settings.step_images]
    images, labels = to_float(source.batch(ids)).flatten(1).to(weight.device), source.labels[ids].to(weight.device)
    targets = random_targets(labels.cpu(), weight.shape[1], ids.tolist(), seed).to(labels)
    found = []
    for own, b in zip(weight.flatten(2), bias, strict=True):
        rubbish = rubbish_probability(own, b, RUBBISH, generator(seed, "rubbish"))
        found.append(_attacks(own, b, images, labels, targets, settings.epsilon) | {"rubbish_p": rubbish})
        on_classifier()
    stacked = {name: torch.stack([tensors[name] for tensors in found]) for name in found[0]}
    return stacked | {"ids": ids, "targets": targets}


def _attacks(
    weight: Tensor, bias: Tensor, images: Tensor, labels: Tensor, targets: Tensor, epsilon: float
) -> dict[str, Tensor]:
    """One classifier, (classes, pixels) and (classes,), attacked on images (N, pixels): tensors (N, ...) by name."""
    steps = smallest_steps(weight, bias, images)
    decision, p = fast_gradient_sign(weight, bias, images, labels, epsilon)
    return {
        **{name: getattr(steps, name) for name in Steps.__annotations__},
        "right": steps.decision == labels,
        "fgsm_wrong": decision != labels,
        "fgsm_p": p,
        **vars(smallest_image_steps(weight, bias, images, steps)),
        **vars(confident_steps(weight, bias, images, labels, targets)),
    }
