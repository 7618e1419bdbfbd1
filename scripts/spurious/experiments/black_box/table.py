"""The table of fooling by scores alone."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spurious.errors import SpuriousError
from spurious.frames import require
from spurious.rates import of_images
from spurious.statistics.comparisons import mcnemar_exact
from spurious.statistics.order_statistics import order_statistic_median

KEYS = ["classifier", "start", "search"]
COLUMNS = [*KEYS, "id", "target", "success", "queries", "flat", "predicted", "p_target", "l2", "linf"]


def black_box(
    rows: pd.DataFrame, predictions: pd.DataFrame, described: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """How often, and after how many queries, scores alone are enough: a row per (classifier, start, search).

    `rows`: what `search_scores.py` writes, of one seed for each classifier; `predictions`: `classifier, seed, split,
    label, predicted` of the same classifiers. Returns `classifier, accuracy` (test split), `start, search, n, success,
    low, high` (Wilson 95 %), `queries_median, queries_low, queries_high` over the successes (the interval by order
    statistics), `queries_all_median` over all searches as text, a failure counting as more than it had ("> 4000" where
    the median is a failure), `decided` (share whose decision ends as the target, from noise without regard to p),
    `p_target_median, l2_median, linf_median` over all, `flat` (mean share of generations
    without a difference to select by), `mcnemar_p` (evolution against random search, paired by image), and
    `described`: what `described` says of the classifier. The search "distances" asks for no score: its queries are 0.
    """
    require(rows, [*COLUMNS, "seed"], "black box rows")
    require(predictions, ["classifier", "seed", "split", "label", "predicted"], "predictions")
    table = []
    for (classifier, start), pair in rows.groupby(["classifier", "start"], sort=False):
        accuracy = _accuracy(predictions, classifier, pair["seed"].iloc[0])
        p = _against_random(pair)
        for search, own in pair.groupby("search", sort=False):
            first = {"classifier": classifier, "accuracy": accuracy, "start": start, "search": search}
            last = {"mcnemar_p": p, "described": (described or {}).get(classifier, "")}
            table.append(first | _row(own) | last)
    return pd.DataFrame(table)


def _row(rows: pd.DataFrame) -> dict[str, object]:
    success = rows["success"].astype(bool)
    median, queries_low, queries_high = order_statistic_median(rows.loc[success, "queries"])
    return {
        "n": len(rows),
        **of_images(success).columns("success"),
        "queries_median": median,
        "queries_low": queries_low,
        "queries_high": queries_high,
        "queries_all_median": _censored_median(rows["queries"].to_numpy(), success.to_numpy()),
        "decided": (rows["predicted"] == rows["target"]).mean(),
        **{f"{name}_median": rows[name].median() for name in ("p_target", "l2", "linf")},
        "flat": rows["flat"].mean(),
    }


def _accuracy(predictions: pd.DataFrame, classifier: str, seed: int) -> float:
    own = predictions[(predictions["classifier"] == classifier) & (predictions["seed"] == seed)]
    own = own[own["split"] == "test"]
    if own.empty:
        raise SpuriousError(f"predictions: no row of the split test for {classifier}, seed {seed}")
    return float((own["predicted"] == own["label"]).mean())


def _censored_median(queries: NDArray, success: NDArray) -> str:
    """The median of queries to success, where a failure would have needed more than it had."""
    needed = np.sort(np.where(success, queries, np.inf))
    median = (needed[(len(needed) - 1) // 2] + needed[len(needed) // 2]) / 2
    return f"{median:g}" if np.isfinite(median) else f"> {queries[~success].min():g}"


def _against_random(pair: pd.DataFrame) -> float:
    """The exact McNemar p of evolution against random search on the same images and targets."""
    both = pair.pivot(index=["id", "target"], columns="search", values="success")
    if not {"evolution", "random"} <= set(both):
        return float("nan")
    first, second = both["evolution"].astype(bool), both["random"].astype(bool)
    return mcnemar_exact(int((first & ~second).sum()), int((second & ~first).sum()))
