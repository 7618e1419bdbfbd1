"""The noise sweep's rates compared: between noise draws, between variants, and between the views and their majority.

For `votes` and the main rows see `spurious.votes`.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from spurious.errors import SpuriousError
from spurious.smoothing_table import PUBLISHED, RATES, summarize
from spurious.statistics import holm, mcnemar_exact
from spurious.tables import SIGNIFICANCE
from spurious.votes import SETTING, VIEWS, all_seeds, all_variants, per_classifier


def seeds(votes: pd.DataFrame) -> pd.DataFrame:
    """How far the noise draw moves each rate: a row per (classifier, kernel, sigma, rate).

    Returns `classifier, kernel, sigma, rate, seeds, n, mean, sd, min, max, first, low, high, sampling_sd`: mean to
    max are over the noise seeds on the same images, `first` is the first seed's rate with its Wilson 95 % interval
    and n. `sampling_sd` is sqrt(mean (1 - mean) / n), by which another sample of images would move it. One seed has
    no sd.
    """
    return per_classifier(votes, _seeds, all_seeds)


def _seeds(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [*SETTING, "rate"]
    long = pd.concat(in_long_form(summarize(own, "")) for _, own in rows.groupby("seed", sort=False))
    spread = long.groupby(keys)["value"].agg(seeds="size", mean="mean", sd="std", min="min", max="max")
    table = long.drop_duplicates(keys).rename(columns={"value": "first"}).merge(spread.reset_index(), on=keys)
    table["sampling_sd"] = np.sqrt(table["mean"] * (1 - table["mean"]) / table["n"])
    return table[[*keys, "seeds", "n", "mean", "sd", "min", "max", "first", "low", "high", "sampling_sd"]]


def in_long_form(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of smoothing.csv, one per rate: `classifier, kernel, sigma, rate, value, low, high, n`.

    n is the rate's own number of images: for `acc_maj` the accepted ones.
    """
    accepted = (summary["n"] * (1 - summary["reject_rate"])).round().astype(int)
    parts = [
        summary[["classifier", *SETTING]].assign(
            rate=rate,
            value=summary[rate],
            low=summary[f"{rate}_low"],
            high=summary[f"{rate}_high"],
            n=accepted if rate == "acc_maj" else summary["n"],
        )
        for rate in RATES
    ]
    return _interleaved(parts)


def variants(votes: pd.DataFrame) -> pd.DataFrame:
    """What the order of noise, resizing and blur matters: a row per (classifier, variant, kernel, sigma), first seed.

    Returns `classifier, variant, kernel, sigma, n`, the rates and bounds of smoothing.csv, then, against the variant
    "published" on the same images: `changed_ns`, the share whose unblurred class is another; `gained` and `lost`,
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
    comparison = pairs.groupby(keys, as_index=False).agg(
        changed_ns=("changed_ns", "mean"), gained=("gained", "sum"), lost=("lost", "sum")
    )
    comparison = _tested(comparison, "gained", "lost", "higher", "lower").astype({"gained": "Int64", "lost": "Int64"})
    return table.merge(comparison, on=keys, how="left").fillna({"verdict": ""})


def _beside_published(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the other variants with `changed_ns, gained, lost` against the published one, image by image."""
    keys = [*SETTING, "image"]
    rows = rows.assign(right=rows["decision"] == rows["label"])[[*keys, "variant", "ns", "right"]]
    own = rows["variant"] == PUBLISHED
    reference = rows[own].drop(columns="variant")
    pairs = rows[~own].merge(reference, on=keys, how="left", suffixes=("", "_published"), validate="many_to_one")
    alone = pairs[pairs["ns_published"].isna()]
    if len(alone):
        raise SpuriousError(
            f"votes: the variant {alone['variant'].iloc[0]!r} has the image {alone['image'].iloc[0]},"
            f" which {PUBLISHED!r} lacks; run the noise sweep again"
        )
    there = pairs["right_published"].astype(bool)
    return pairs.assign(
        changed_ns=pairs["ns"] != pairs["ns_published"], gained=pairs["right"] & ~there, lost=~pairs["right"] & there
    )


def tests(votes: pd.DataFrame) -> pd.DataFrame:
    """Each view and the majority against each other, image by image: a row per setting and pair, main rows.

    Returns `classifier, kernel, sigma, first, second, n, accuracy_first, accuracy_second, only_first, only_second,
    p, p_holm, verdict`. All images count; a rejection by the majority is wrong. `p` is that of the exact McNemar
    test, `p_holm` corrects it over all tests of the classifier, and the verdict is "first" or "second" where it is
    below .05, else "within noise".
    """
    return per_classifier(votes, _tests)


def _tests(rows: pd.DataFrame) -> pd.DataFrame:
    right = rows[VIEWS].assign(majority=rows["decision"]).eq(rows["label"], axis=0)
    table = _interleaved([_pair(rows[SETTING], right, *pair) for pair in combinations(right, 2)])
    return _tested(table, "only_first", "only_second", "first", "second")


def _pair(settings: pd.DataFrame, right: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """What two columns of `right` have in common, and what not, per setting."""
    a, b = right[first], right[second]
    outcomes = settings.assign(first=a, second=b, only_first=a & ~b, only_second=b & ~a)
    table = outcomes.groupby(SETTING, as_index=False).agg(
        n=("first", "size"),
        accuracy_first=("first", "mean"),
        accuracy_second=("second", "mean"),
        only_first=("only_first", "sum"),
        only_second=("only_second", "sum"),
    )
    table.insert(2, "first", first)
    table.insert(3, "second", second)
    return table


def _tested(table: pd.DataFrame, first: str, second: str, first_wins: str, second_wins: str) -> pd.DataFrame:
    """The table with McNemar's p of two columns of discordant counts, Holm's correction over its rows, the verdict."""
    p = np.array([mcnemar_exact(*counts) for counts in table[[first, second]].itertuples(index=False)])
    corrected = holm(p)
    winner = np.where(table[first] > table[second], first_wins, second_wins)
    return table.assign(p=p, p_holm=corrected, verdict=np.where(corrected < SIGNIFICANCE, winner, "within noise"))


def _interleaved(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of equally many rows as one: their first rows, then their second rows ..."""
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
