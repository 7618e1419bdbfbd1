"""Images that fool one classifier, judged by others."""

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor, nn

from spurious.attacks.entries import GradientAttack
from spurious.attacks.evolution import Goal, ball, evolve
from spurious.attacks.gradient import fool
from spurious.attacks.scores import first_right
from spurious.classifiers.scikit_learn import scores_of
from spurious.errors import SpuriousError
from spurious.experiments.transfer.settings import TransferSettings
from spurious.perturbations.balls import random_perturbation
from spurious.seeding import Id
from spurious.wording import plural


def fooling_images(
    classifier: object,
    images: Tensor,
    labels: Tensor,
    settings: TransferSettings,
    ids: Sequence[Id],
    seed: int,
    on_queries: Callable[[int], object] = lambda judged: None,
) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) within epsilon of `images` that the classifier shall not give to `labels` any more.

    By projected gradient descent for a network, by evolution for a classifier of scikit-learn. Both spend their whole
    budget, and keep the image with the largest margin of another class over the label. Beside the images, how many the
    classifier had judged for each (N,); `on_queries` is called with numbers of them on the way.
    """
    if isinstance(classifier, nn.Module):
        method = GradientAttack(epsilon=settings.epsilon, steps=settings.steps)
        found = fool(classifier, images, labels, method, ids=ids, seed=seed)
        on_queries(len(images) * budget_of(classifier, settings))
        return found, torch.full((len(images),), budget_of(classifier, settings))
    goal, box = Goal(classes=labels, kind="untargeted"), ball(images, settings.epsilon)
    ended = evolve(
        scores_of(classifier), box, goal, ids, settings.budget, seed=seed, whole_budget=True, on_queries=on_queries
    )
    return ended.images, ended.queries


def budget_of(classifier: object, settings: TransferSettings) -> int:
    """How many images a classifier judges for each that is to fool it."""
    if isinstance(classifier, nn.Module):
        return settings.steps + (settings.steps > 1)  # the last step is judged, too
    return settings.budget.max_queries


def transfer_rows(
    classifiers: dict[tuple[str, int], object],
    images: Tensor,
    labels: Tensor,
    settings: TransferSettings,
    on_queries: Callable[[int, int], object] = lambda judged, total: None,
) -> pd.DataFrame:
    """A row per source, judge and image; sources and judges are the `classifiers`, by name and seed.

    `images` (N, C, H, W), float32 in [0, 1]: the first `settings.images` that all get right are fooled, untargeted. The
    control is the same image under random signs times epsilon, clamped. Returns `source, source_seed, judge,
    judge_seed, id, label, fooled_source, predicted, control_predicted, looked_at, queries`: the classes are those of
    the judge, `looked_at` is how many images it took to find those, `queries` how many the source had judged for the
    image. `on_queries` is told how many more the sources have judged, and how many they will in all. Raises
    SpuriousError where there is no such image.
    """
    judges = {key: scores_of(classifier) for key, classifier in classifiers.items()}
    ids, looked_at = first_right(list(judges.values()), images, labels, settings.images)
    if not ids:
        raise SpuriousError(
            f"transfer: none of {plural(looked_at, 'test image')} is right for all classifiers; leave one out"
        )
    images, labels = images[ids], labels[ids]
    control_images = random_perturbation(images, ids, GradientAttack(epsilon=settings.epsilon), "transfer control")
    control = {key: judge(control_images).argmax(1) for key, judge in judges.items()}
    total = len(ids) * sum(budget_of(classifier, settings) for classifier in classifiers.values())
    parts = []
    for source, classifier in classifiers.items():
        fooling, queries = fooling_images(
            classifier, images, labels, settings, ids, source[1], lambda judged: on_queries(judged, total)
        )
        predicted = {key: judge(fooling).argmax(1) for key, judge in judges.items()}
        for judge in judges:
            columns = {"source": source[0], "source_seed": source[1], "judge": judge[0], "judge_seed": judge[1]}
            columns |= {"id": ids, "label": labels, "fooled_source": predicted[source] != labels}
            columns |= {"predicted": predicted[judge], "control_predicted": control[judge], "looked_at": looked_at}
            columns |= {"queries": queries}
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts)
