"""The tables of certification: certified accuracy over the radius, and attacks on certificates."""

import pandas as pd

from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import interval, of_images

KEYS = ["classifier", "defence", "sigma"]
SETTINGS = ["n", "n0", "alpha"]
NEEDED = [*KEYS, "id", "label", "decision", "radius", *SETTINGS]


def certified(rows: pd.DataFrame, radii: list[float]) -> pd.DataFrame:
    """Certified accuracy of every classifier, defence and noise at the `radii`.

    `rows`: what `certify_classifier.py` writes. Returns `classifier, defence, sigma, radius, n, certified_accuracy,
    low, high, abstained, rejected, samples, acr`: n counts images, samples noise draws; the accuracy is the share of
    images that are answered rightly with a certified radius of at least `radius` (Wilson 95 %, of the images alone);
    `abstained` and `rejected` are the shares without a decision and with a certified rejection; acr is the mean radius,
    0 where the answer is wrong. Raises SpuriousError where draws of a classifier differ.
    """
    table = []
    for key, own in groups(rows):
        radius = right_radii(own)
        shares = {"abstained": (own["decision"] == ABSTAINED).mean(), "rejected": (own["decision"] == REJECTED).mean()}
        shares |= {"samples": own["n"].iloc[0], "acr": radius.clip(lower=0).mean()}
        for least in radii:
            rate = of_images(radius >= least)
            named = dict(zip(KEYS, key, strict=True)) | {"radius": least, "n": rate.n}
            table.append(named | rate.columns("certified_accuracy") | shares)
    return pd.DataFrame(table)


def groups(rows: pd.DataFrame) -> list[tuple[tuple[str, str, float], pd.DataFrame]]:
    """The rows of every classifier, defence and noise; SpuriousError where not all were made with the same draws."""
    require(rows, NEEDED, "rows of certification")
    parts = list(rows.groupby(KEYS, sort=False))
    for (classifier, *_), own in parts:
        for name in SETTINGS:
            values = own[name].unique()
            if len(values) > 1:
                found = " and ".join(f"{value:g}" for value in values)
                remedy = "delete those with the wrong one and run again"
                raise SpuriousError(f"certification of {classifier}: shards with {name} {found}; {remedy}")
    return parts


def right_radii(rows: pd.DataFrame) -> pd.Series:
    """The certified radius of each row that answers rightly, -1 of the others."""
    return rows["radius"].where(rows["decision"] == rows["label"], -1.0)


def attacks(rows: pd.DataFrame) -> pd.DataFrame:
    """How often PREDICT says another decision than the certified one after the attack.

    `rows`: what `certify_classifier.py` writes of its attacks. Returns `classifier, defence, sigma, size, n, changed,
    low, high, undecided, draws`: size is a multiple of the certified radius. Within it, at 1, at most alpha of the
    images may change (and alpha more by PREDICT); larger ones show that the attack is one.
    """
    require(rows, [*KEYS, "size", "decision", "found", "draws"], "rows of attacks on certificates")
    table = []
    for key, own in rows.groupby([*KEYS, "size"], sort=False):
        changed = ~own["found"].isin([ABSTAINED]) & (own["found"] != own["decision"])
        low, high = interval(changed.sum(), len(own))
        table.append(
            dict(zip([*KEYS, "size"], key, strict=True))
            | {"n": len(own), "changed": changed.mean(), "low": low, "high": high}
            | {"undecided": (own["found"] == ABSTAINED).mean(), "draws": own["draws"].iloc[0]}
        )
    return pd.DataFrame(table, columns=[*KEYS, "size", "n", "changed", "low", "high", "undecided", "draws"])
