"""The votes of a noise sweep: per-image rows of one or several classifiers, as every table of them takes them.

Their columns are `classifier, image, label, variant, seed, kernel, sigma`, one for the class that each view names (`ns,
ss, ds`, or whichever views voted), `decision`, and the probability of each of these classes, `p_<view>`. The main rows
are those of the variant "published" with the first noise seed that occurs; sigma 0 has no noise and occurs with that
seed only.
"""

from collections.abc import Callable

import pandas as pd

from spurious.errors import SpuriousError
from spurious.experiments.smoothing.names import PUBLISHED
from spurious.experiments.smoothing.rates import main_rows
from spurious.experiments.smoothing.rows import SETTING, columns, views_of
from spurious.frames import require


def check(votes: pd.DataFrame) -> None:
    """Raises SpuriousError for a missing column, a classifier without published variant, an image that occurs twice."""
    require(votes, ["classifier", *columns(views_of(votes))], "votes")
    if votes.empty:
        raise SpuriousError("votes: there are no rows; run the noise sweep again")
    lacking = set(votes["classifier"]) - set(votes.loc[votes["variant"] == PUBLISHED, "classifier"])
    for classifier in sorted(lacking):
        raise SpuriousError(f"votes: no row of the variant {PUBLISHED!r} for {classifier}; keep it under 'variants'")
    if votes.duplicated(["classifier", "variant", "seed", *SETTING, "image"]).any():
        raise SpuriousError("votes: an image occurs twice in the same setting; pass every classifier's file once")


def per_classifier(
    votes: pd.DataFrame,
    table_of: Callable[[pd.DataFrame], pd.DataFrame],
    select: Callable[[pd.DataFrame], pd.DataFrame] = main_rows,
) -> pd.DataFrame:
    """`table_of` the selected rows of every classifier in the order they come, its name as the first column."""
    check(votes)
    groups = votes.groupby("classifier", sort=False)
    tables = {classifier: table_of(select(rows)) for classifier, rows in groups}
    return pd.concat(tables, names=["classifier"]).reset_index("classifier").reset_index(drop=True)


def per_setting(rows: pd.DataFrame, table_of: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """`table_of` the rows of every kernel and sigma, these two as the first columns."""
    tables = {setting: table_of(own) for setting, own in rows.groupby(SETTING)}
    return pd.concat(tables, names=SETTING).reset_index(SETTING).reset_index(drop=True)


def all_seeds(votes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the published variant with every noise seed."""
    return votes[votes["variant"] == PUBLISHED]


def all_variants(votes: pd.DataFrame) -> pd.DataFrame:
    """The rows of every variant with the noise seed of the main rows."""
    return votes[votes["seed"] == main_rows(votes)["seed"].iloc[0]]
