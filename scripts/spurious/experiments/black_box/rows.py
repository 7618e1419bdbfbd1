"""Rows of searches by scores alone."""

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.evolution import Found, Goal
from spurious.attacks.map_elites import map_elites_runs
from spurious.attacks.scores import Scores
from spurious.attacks.settings import MapElites
from spurious.perturbations.balls import sizes
from spurious.seeding import Id


def search_rows(
    scores: Scores,
    found: Found,
    goal: Goal,
    original: Tensor,
    ids: Sequence[Id],
    labels: Tensor | None,
    identification: dict[str, object],
) -> pd.DataFrame:
    """A row per search towards a target, its stored image judged again, after and apart from the search.

    `original` (N, C, H, W): where it began. Returns `identification` and `id, label (empty: noise), target, success,
    queries, flat, predicted, p_target, start_p_target, l2, linf`.
    """
    probabilities = scores(found.images)
    place = goal.classes[:, None]
    columns = {
        "id": list(ids),
        "label": [None] * len(ids) if labels is None else labels,
        "target": goal.classes,
        "success": goal.reached(probabilities[:, None], torch.arange(len(ids)))[:, 0],
        "queries": found.queries,
        "flat": found.flat,
        "predicted": probabilities.argmax(1),
        "p_target": probabilities.gather(1, place)[:, 0],
        "start_p_target": scores(original).gather(1, place)[:, 0],
        **sizes(found.images, original),
    }
    return pd.DataFrame(identification | columns)


def elites_rows(
    scores: Scores,
    shape: tuple[int, int, int],
    settings: MapElites | None,
    identification: dict[str, object],
    on_queries: Callable[[int], object] = lambda judged: None,
) -> pd.DataFrame:
    """`identification` and `run, generation, label, p`: a row per class of every generation that is kept.

    None where there are no settings. `identification` holds the `seed`; `on_queries` as of `map_elites_runs`.
    """
    columns = [*identification, "run", "generation", "label", "p"]
    runs = map_elites_runs(scores, shape, settings, identification["seed"], on_queries) if settings else ()
    rows = [
        (*identification.values(), run, generation, label, own)
        for run, generation, _, p in runs
        for label, own in enumerate(p.tolist())
    ]
    return pd.DataFrame(rows, columns=columns)
