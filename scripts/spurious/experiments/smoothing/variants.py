"""The table of variants of the sweep against the published one; for `votes` see `votes.py`."""

import pandas as pd

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.names import PUBLISHED
from spurious.experiments.smoothing.rates import summarize
from spurious.experiments.smoothing.rows import SETTING, reference_of, views_of
from spurious.experiments.smoothing.verdicts import tested
from spurious.experiments.smoothing.votes import all_variants, per_classifier


def variants(votes: pd.DataFrame) -> pd.DataFrame:
    """What the order of noise, resizing and blur matters: a row per (classifier, variant, kernel, sigma), first seed.

    Returns `classifier, variant, kernel, sigma, n`, the rates and bounds of smoothing.csv, then, against the variant
    "published" on the same images: `changed_ns`, the share whose unblurred class is another (of the first view where ns
    is none of them); `gained` and `lost`,
    how many the majority gets right only here or only there (a rejection is wrong); the exact McNemar `p` of the
    two, `p_holm`, corrected over all rows of the classifier, and `verdict` at .05 of it (higher, lower, within
    noise). They are empty for "published" itself. Raises SpuriousError where "published" lacks an image.
    """
    return per_classifier(votes, _variants, all_variants)


def _variants(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["variant", *SETTING]
    tables = {name: summarize(own, "").drop(columns="classifier") for name, own in rows.groupby("variant", sort=False)}
    table = pd.concat(tables, names=["variant"]).reset_index("variant")
    pairs = _beside_published(rows)
    changed = f"changed_{reference_of(views_of(rows))}"
    comparison = pairs.groupby(keys, as_index=False).agg({changed: "mean", "gained": "sum", "lost": "sum"})
    comparison = tested(comparison, "gained", "lost", "higher", "lower").astype({"gained": "Int64", "lost": "Int64"})
    return table.merge(comparison, on=keys, how="left").fillna({"verdict": ""})


def _beside_published(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the other variants with `changed_ns, gained, lost` against the published one, image by image."""
    keys, view = [*SETTING, "image"], reference_of(views_of(rows))
    rows = rows.assign(right=rows["decision"] == rows["label"])[[*keys, "variant", view, "right"]]
    own = rows["variant"] == PUBLISHED
    reference = rows[own].drop(columns="variant")
    pairs = rows[~own].merge(reference, on=keys, how="left", suffixes=("", "_published"), validate="many_to_one")
    alone = pairs[pairs[f"{view}_published"].isna()]
    if len(alone):
        raise SpuriousError(
            f"votes: the variant {alone['variant'].iloc[0]!r} has the image {alone['image'].iloc[0]},"
            f" which {PUBLISHED!r} lacks; run the noise sweep again"
        )
    there = pairs["right_published"].astype(bool)
    changed = {f"changed_{view}": pairs[view] != pairs[f"{view}_published"]}
    return pairs.assign(**changed, gained=pairs["right"] & ~there, lost=~pairs["right"] & there)
