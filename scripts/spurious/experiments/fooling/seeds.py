"""One training of a classifier, fooled by every method and shown pure noise, and what is kept of it for the figure."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from torch import Tensor, nn

from spurious.attacks.within import Starts
from spurious.experiments.fooling.rows import fool_all, rubbish_rows
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.frames import spread

EXAMPLES = 6  # images of a figure


@dataclass(frozen=True)
class FooledSeed:
    """The rows of `fool_all` and of `rubbish_rows`, and the few images that the figure may show.

    These are `<method>/original` and `<method>/fooled`, float32 (n, C, H, W); `shown` are their rows, in the order of
    methods and images.
    """

    rows: pd.DataFrame
    rubbish: pd.DataFrame
    examples: dict[str, Tensor]
    shown: pd.DataFrame


def fool_seed(
    model: nn.Module,
    tests: Starts,
    settings: FoolingSettings,
    seed: int,
    classes: int,
    rubbish: int,
    on_part: Callable[[], object] = lambda: None,
) -> FooledSeed:
    """Everything for one training; `tests` are as many as any method is to have, `rubbish` is how many of each kind.

    `on_part` is called `parts(settings)` times, after every method and after the rubbish.
    """
    rows, shown, examples = [], [], {}
    for name, own, starts, fooled in fool_all(model, tests, settings, seed, classes):
        places = example_places(own)
        examples |= {f"{name}/original": starts.images[places], f"{name}/fooled": fooled[places]}
        shown.append(own.iloc[places])
        rows.append(own)
        on_part()
    noise = pd.concat(rubbish_rows(model, tests, settings, rubbish, seed))
    on_part()
    return FooledSeed(pd.concat(rows), noise, examples, pd.concat(shown))


def parts(settings: FoolingSettings) -> int:
    """How often `fool_seed` tells that a part is done."""
    return len(settings.methods) + 1


def example_places(rows: pd.DataFrame) -> list[int]:
    """Which images of a method a figure shows: at most EXAMPLES places in its rows.

    Of the images that the classifier got right, the first of each label, taken evenly from the list; of noise, the
    first. So they are chosen before anything is known of the fooling.
    """
    if rows["label"].isna().all():
        return list(range(min(EXAMPLES, len(rows))))
    places = rows.reset_index(drop=True)
    right = places[places["clean_predicted"] == places["label"]].drop_duplicates("label")
    return spread(right, EXAMPLES).index.tolist()
