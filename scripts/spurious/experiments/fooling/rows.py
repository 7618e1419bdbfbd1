"""Rows of fooling: what every method makes of every image, and a random change; what pure noise is classified as."""

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn

from spurious.attacks.entries import Attack
from spurious.attacks.targets import NO_LABEL, random_targets
from spurious.attacks.within import Starts
from spurious.classifiers.predictions import predict
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.experiments.fooling.starts import starts_of
from spurious.perturbations.balls import random_perturbation, sizes
from spurious.perturbations.starts import IMAGE
from spurious.seeding import Id, generator
from spurious.statistics.chance import near_chance

COLUMNS = [
    *("classifier", "seed", "method", "start", "goal", "norm", "epsilon", "steps", "clamp", "id", "label", "target"),
    *("clean_predicted", "clean_p", "predicted", "p", "p_target", "p_label", "l2", "linf"),
    *("control_predicted", "control_p_target"),
]
RUBBISH_COLUMNS = ["classifier", "seed", "kind", "id", "predicted", "p"]
RUBBISH_ON_PHOTOGRAPHS = 500  # at most: each is as expensive as a photograph


def fool_all(
    model: nn.Module, tests: Starts, settings: FoolingSettings, seed: int, classes: int
) -> Iterator[tuple[str, pd.DataFrame, Starts, Tensor]]:
    """Every method's name, rows, starts and fooled images (N, C, H, W); `tests` are as many as any method is to have.

    The rows have COLUMNS without `classifier`. `label` is missing for noise and `target` for untargeted methods;
    `clean_p` is that of the label (of noise: of `clean_predicted`), `p` that of `predicted`. `control_predicted` and
    `control_p_target` are of a random change of the same size, or of the noise that a method starts from as it is.
    """
    judged = partial(predict, model, batch_size=settings.batch_size, classes=classes)
    clean = judged(tests.images)
    for name, method in settings.methods.items():
        starts = starts_of(method, tests, settings, seed)
        before = clean[: len(starts.ids)]
        if method.start != IMAGE:
            before = judged(starts.images)
        targets = random_targets(starts.labels, classes, starts.ids, seed) if method.goal == "targeted" else None
        fooled = method(
            model,
            starts.images,
            starts.labels,
            targets=targets,
            ids=starts.ids,
            seed=seed,
            batch_size=settings.batch_size,
        )
        control = before
        if method.start == IMAGE:
            changed = random_perturbation(starts.images, starts.ids, method, seed)
            control = judged(changed)
        after = judged(fooled)
        rows = _rows(starts, targets, fooled, (before, after, control))
        yield name, rows.assign(seed=seed, **_identification(name, method)), starts, fooled


def clean_rows(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Labels and predictions of every image before it is fooled, each image once; none where all starts are noise."""
    own = rows[rows["label"].notna()].drop_duplicates("id")
    return own["label"].astype("int64"), own["clean_predicted"]


def near_chance_by_seed(rows: pd.DataFrame, classes: int) -> Iterator[tuple[int, str | None]]:
    """Every seed, and what to say of it where the classifier is near chance on the images before they are fooled."""
    for seed, own in rows.groupby("seed", sort=False):
        yield seed, near_chance(*clean_rows(own), classes)


def _identification(name: str, method: Attack) -> dict[str, object]:
    own = {key: getattr(method, key) for key in ("start", "goal", "norm", "epsilon", "steps", "clamp")}
    return {"method": name, **own}


def _rows(
    starts: Starts, targets: Tensor | None, fooled: Tensor, judged: tuple[Tensor, Tensor, Tensor]
) -> pd.DataFrame:
    """A row per image, from the probabilities (N, classes) before, after and under the random change."""
    before, after, control = judged
    return pd.DataFrame(
        {
            "id": list(starts.ids),
            "label": _numbers(starts.labels),
            "target": _numbers(targets, len(after)),
            "clean_predicted": before.argmax(1),
            "clean_p": _p_of(before, starts.labels.where(starts.labels != NO_LABEL, before.argmax(1))),
            "predicted": after.argmax(1),
            "p": after.amax(1),
            "p_target": _p_of(after, targets),
            "p_label": _p_of(after, starts.labels),
            **sizes(fooled, starts.images),
            "control_predicted": control.argmax(1),
            "control_p_target": _p_of(control, targets),
        }
    )


def _numbers(classes: Tensor | None, count: int = 0) -> pd.Series:
    """Classes (N,) as whole numbers, missing where there is none."""
    if classes is None:
        return pd.Series([pd.NA] * count, dtype="Int64")
    return pd.Series(classes.numpy(), dtype="Int64").replace(NO_LABEL, pd.NA)


def _p_of(p: Tensor, classes: Tensor | None) -> Tensor:
    """The p (N,) of `classes`, of probabilities (N, K); nan where there is none."""
    if classes is None:
        return torch.full((len(p),), torch.nan)
    own = p.gather(1, classes.clamp(min=0)[:, None])[:, 0]
    return own.where(classes != NO_LABEL, torch.nan)


def rubbish_count(settings: FoolingSettings, *, photographs: bool) -> int:
    """How many inputs that show nothing: fewer where they are as large as photographs."""
    return min(settings.rubbish, RUBBISH_ON_PHOTOGRAPHS) if photographs else settings.rubbish


def rubbish_rows(
    model: nn.Module, tests: Starts, settings: FoolingSettings, count: int, seed: int
) -> Iterator[pd.DataFrame]:
    """What the classifier takes inputs for that show nothing: rows `seed, kind, id, predicted, p`.

    `kind` "normal" are `count` inputs from N(0, I), as in Goodfellow et al. 2014, appendix A; "uniform" as many from
    U[0, 1]; "test images", for comparison, are real: at most as many. Inputs are drawn by (seed, kind, id) when they
    are needed and not kept.
    """
    shape = tests.images.shape[1:]
    for kind, draw in (("normal", torch.randn), ("uniform", torch.rand)):
        for ids in torch.arange(count).split(settings.batch_size):
            inputs = torch.stack([draw(shape, generator=generator(seed, "rubbish", kind, i)) for i in ids.tolist()])
            yield _judged(model, inputs, ids.tolist(), kind, settings.batch_size).assign(seed=seed)
    real = tests.first(count)
    yield _judged(model, real.images, real.ids, "test images", settings.batch_size).assign(seed=seed)


def _judged(model: nn.Module, inputs: Tensor, ids: Sequence[Id], kind: str, batch_size: int) -> pd.DataFrame:
    p, predicted = predict(model, inputs, batch_size=batch_size).max(1)
    return pd.DataFrame({"kind": kind, "id": list(ids), "predicted": predicted, "p": p})
