"""The table of attacks on defences: errors with a reject option."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.robustness.settings import WORST
from spurious.frames import require
from spurious.rates import interval

KEYS = ["classifier", "seed", "defence", "gradient", "norm", "epsilon"]
NEEDED = [*KEYS, "attack", "goal", "id", "label", "clean", "found", "found_rounded"]


def robustness(rows: pd.DataFrame) -> pd.DataFrame:
    """Errors of every defence under every attack, and under the `worst` one of each image.

    `rows`: what `attack_defence.py` writes. Returns `classifier, seed, defence, gradient, attack, norm, epsilon, n` and
    rates of all n images, as the undefended classifier answers every one: `clean_correct`, `clean_rejected`,
    `robust_error_detect` (the image is not answered rightly, or the attack found one in the ball that is accepted and
    wrong), `robust_error_strict` (or one that is rejected: the union with every attack that wants a rejection),
    `robust_error_detect_rounded` and `robust_error_strict_rounded` (what was found counts where it still does in 8
    bits), each with `_low` and `_high` (Wilson 95 %).
    """
    require(rows, NEEDED, "rows of attacks on defences")
    table = []
    for key, own in rows.groupby(KEYS, sort=False):
        identification = dict(zip(KEYS, key, strict=True))
        for attack, rates in _rates(own):
            table.append(identification | {"attack": attack} | rates)
    first = ["classifier", "seed", "defence", "gradient", "attack", "norm", "epsilon"]
    return pd.DataFrame(table).pipe(lambda made: made[[*first, *made.columns.difference(first, sort=False)]])


def _rates(rows: pd.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    """The rates of each attack, the worst of all last, of one defence and size."""
    images = rows.drop_duplicates("id").set_index("id")
    right, denials = images["clean"] == images["label"], rows[rows["goal"] == "rejected"]
    for attack in [*rows["attack"].unique(), WORST]:
        own = rows if attack == WORST else rows[rows["attack"] == attack]
        rates: dict[str, object] = {"n": len(images)}
        rates |= _rate("clean_correct", right) | _rate("clean_rejected", images["clean"] == -1)
        for name, suffix in (("found", ""), ("found_rounded", "_rounded")):
            wrong = ~right | _any_found(own[own["goal"] == "wrong"], name, images.index)
            rates |= _rate(f"robust_error_detect{suffix}", wrong)
            rates |= _rate(f"robust_error_strict{suffix}", wrong | _any_found(denials, name, images.index))
        yield attack, rates


def _any_found(rows: pd.DataFrame, name: str, images: pd.Index) -> pd.Series:
    """By image, whether any of the rows found what its attack wants."""
    return rows[name].astype(bool).groupby(rows["id"]).any().reindex(images, fill_value=False)


def _rate(name: str, hits: pd.Series) -> dict[str, float]:
    low, high = interval(hits.sum(), len(hits))
    return {name: hits.mean(), f"{name}_low": low, f"{name}_high": high}
