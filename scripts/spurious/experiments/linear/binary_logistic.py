"""Logistic regression on two classes, and how the fast gradient sign method confuses it."""

from collections.abc import Iterator, Mapping

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.closed_form import probabilities
from spurious.classifiers.linear import CPU, LinearTrainer
from spurious.data.datasets import to_float
from spurious.data.splits import InMemory, Split
from spurious.errors import SpuriousError
from spurious.experiments.linear.settings import LinearSettings
from spurious.frames import held_out
from spurious.seeding import generator

COLUMNS = ["seed", "classes", "weight_decay", "attack", "epsilon", "id", "label", "predicted", "p_label"]


def binary_logistic_rows(
    splits: Mapping[str, Split], settings: LinearSettings, *, seed: int, device: torch.device = CPU
) -> pd.DataFrame:
    """Train on the two classes of `settings.pair` alone and attack every image of them on the held-out split.

    The weight decay is the best of the sweep on the validation split (without one: the first). Returns COLUMNS, a row
    per attack and image, none without a pair. Softmax regression on two classes is logistic regression with the weights
    w_1 - w_0. Raises SpuriousError where a class has no image.
    Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", ICLR (2015), section 5.
    """
    if settings.pair is None:
        return pd.DataFrame(columns=COLUMNS)
    own = {name: _subset(source, settings.pair, name) for name, source in splits.items()}
    trainer = LinearTrainer(own["train"][0], settings, 2, seed=seed, device=device)
    history = list(trainer.run(validation=own["validation"][0] if "validation" in own else None))
    accuracies = history[-1].validation_accuracies
    place = max(range(len(accuracies)), key=lambda index: accuracies[index])  # nan: the first
    weight, bias = (tensor[place] for tensor in trainer.weights())
    source, ids = own[held_out(splits)]
    identification = {"seed": seed, "classes": ", ".join(map(str, settings.pair))}
    parts = []
    for attack, epsilon, pixels in _attacked(weight.flatten(1), source, ids, settings.epsilon, seed):
        p = probabilities(weight.flatten(1), bias, pixels)
        columns = {
            "weight_decay": settings.weight_decays[place],
            "attack": attack,
            "epsilon": epsilon,
            "id": ids,
            "label": torch.tensor(settings.pair)[source.labels],
            "predicted": torch.tensor(settings.pair)[p.argmax(1)],
            "p_label": p.gather(1, source.labels[:, None])[:, 0],
        }
        parts.append(pd.DataFrame(identification | columns))
    return pd.concat(parts, ignore_index=True)


def _subset(source: Split, pair: tuple[int, ...], split: str) -> tuple[InMemory, Tensor]:
    """The images of the two classes, labelled 0 and 1, and their indices."""
    for label in pair:
        if not (source.labels == label).any():
            raise SpuriousError(f"linear.pair: the split {split} has no image of the class {label}; name another")
    indices = torch.isin(source.labels, torch.tensor(pair)).nonzero()[:, 0]
    labels = (source.labels[indices] == pair[1]).long()
    return InMemory(source.batch(indices), labels), indices


def _attacked(
    weight: Tensor, source: InMemory, ids: Tensor, epsilon: float, seed: int
) -> Iterator[tuple[str, float, Tensor]]:
    """Every attack with its size and what it makes of the pixels (N, pixels)."""
    pixels = to_float(source.images).flatten(1)
    yield "none", 0.0, pixels
    # The loss grows along the weights of the wrong class less those of the right one, whatever the image. Of
    # two classes this is the sign of `closed_form.fast_gradient_sign` in fewer steps, and is not 0 where p rounds to 1.
    step = epsilon * (weight[1 - source.labels] - weight[source.labels]).sign()
    yield "fast gradient sign", epsilon, pixels + step
    yield "fast gradient sign, clamped", epsilon, (pixels + step).clamp(0, 1)
    yield "random signs", epsilon, pixels + epsilon * random_signs(ids, pixels.shape[1], seed)


def random_signs(ids: Tensor, pixels: int, seed: int) -> Tensor:
    """-1 or 1 (N, pixels), equally likely; those of an image depend on its id and the seed alone."""
    draws = [torch.randint(0, 2, (pixels,), generator=generator(seed, "random signs", int(image))) for image in ids]
    return 2.0 * torch.stack(draws) - 1
