"""The attacks on the images of a shard, part by part, and what is kept of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.attacks.within import Starts
from spurious.defences.defended import Defended
from spurious.experiments.robustness.archive import description, joined
from spurious.experiments.robustness.examples import MOST, examples_of
from spurious.experiments.robustness.rows import all_rows, work
from spurious.experiments.robustness.settings import RobustnessSettings


@dataclass
class Attacked:
    """What the attacks on a shard gave, in the order of its parts.

    `images` (C, H, W) by name: those that were found and are kept, and the tensors of the figure's examples, whose rows
    are `shown` (`examples_of`). `abouts` are the descriptions of the parts (`archive.description`).
    """

    parts: list[pd.DataFrame] = field(default_factory=list)
    images: dict[str, Tensor] = field(default_factory=dict)
    abouts: list[dict[str, Any]] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> pd.DataFrame:
        """Those of `all_rows`, of all parts."""
        return pd.concat(self.parts, ignore_index=True)

    @property
    def about(self) -> dict[str, Any]:
        """The description of all parts."""
        return joined(self.abouts)


def attack_parts(
    defences: Mapping[str, Defended],
    logits: Scores,
    parts: Sequence[Tensor],
    load: Callable[[Tensor], Starts],
    settings: RobustnessSettings,
    seed: int,
    on_images: Callable[[int], object] = lambda done: None,
) -> Attacked:
    """All attacks on all defences, from the starts that `load` makes of each of `parts`.

    A part has the ranks (n,) of images among all that are attacked: the first ones are checked, and what is found of
    the first ones is kept. Of a part that is done nothing else is held but rows and its description. `on_images` is
    told how many more images are done, in all as many as `work_on` says.
    """
    made = Attacked()
    for ranks in parts:
        starts = load(ranks)
        rows, found = all_rows(defences, logits, starts, settings, seed, _checked(ranks, settings), on_images)
        _keep(made, rows, found, starts, defences, _archived(ranks, settings))
        del starts, rows, found  # before the next part is loaded
    return made


def parts_of(ranks: Tensor, settings: RobustnessSettings, alike: bool) -> Sequence[Tensor]:
    """The parts of a shard's `ranks` (n,), whose images are held together.

    Those of one size, which are `alike`, are attacked in batches, others one by one.
    """
    return ranks.split(settings.batch_size if alike else 1)


def work_on(defences: Mapping[str, Defended], settings: RobustnessSettings, parts: Sequence[Tensor]) -> int:
    """Of how many images `attack_parts` tells for these parts."""
    return sum(work(defences, settings, len(ranks), _checked(ranks, settings)) for ranks in parts)


def _checked(ranks: Tensor, settings: RobustnessSettings) -> int:
    """Of how many images of a part the attacks are checked."""
    return int((ranks < settings.checks.images).sum())


def _archived(ranks: Tensor, settings: RobustnessSettings) -> int:
    """Of how many images of a part what is found is kept."""
    return len(ranks) if settings.archived is None else int((ranks < settings.archived).sum())


def _keep(
    made: Attacked,
    rows: pd.DataFrame,
    found: Mapping[str, Tensor],
    starts: Starts,
    defences: Mapping[str, Defended],
    archived: int,
) -> None:
    """Add what `all_rows` gave for a part: everything in words, of the images those of its first `archived` starts."""
    about = description(rows, found, starts, defences, starts.ids[:archived])
    shown, tensors = examples_of(rows, found, starts, defences, MOST - len(made.shown))
    made.parts.append(rows.copy())  # a copy holds the columns of one type together: less memory for many parts
    made.abouts.append(about)
    made.images |= {row["name"]: found[row["name"]] for row in about["found"] if row["stored"]} | tensors
    made.shown += shown
