"""The table of fooling by scores alone, and how many searches have succeeded after how many queries."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from spurious.errors import SpuriousError
from spurious.statistics import mcnemar_exact, wilson
from spurious.tables import require

KEYS = ["classifier", "start", "search"]
COLUMNS = [*KEYS, "id", "target", "success", "queries", "flat", "predicted", "p_target", "l2", "linf"]


def black_box(rows: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """How often, and after how many queries, scores alone are enough: a row per (classifier, start, search).

    `rows`: what `search_scores.py` writes, of one seed for each classifier; `predictions`: `classifier, seed, split,
    label, predicted` of the same classifiers. Returns `classifier, accuracy` (test split), `start, search, n, success,
    low, high` (Wilson 95 %), `queries_median, queries_low, queries_high` over the successes (the interval by order
    statistics), `queries_all_median` over all searches as text, a failure counting as more than it had ("> 4000" where
    the median is a failure), `decided` (share whose decision ends as the target, from noise without regard to p),
    `p_target_median, l2_median, linf_median` over all, `flat` (mean share of generations
    without a difference to select by), and `mcnemar_p`: evolution against random search, paired by image.
    """
    require(rows, [*COLUMNS, "seed"], "black box rows")
    require(predictions, ["classifier", "seed", "split", "label", "predicted"], "predictions")
    table = []
    for (classifier, start), pair in rows.groupby(["classifier", "start"], sort=False):
        accuracy = _accuracy(predictions, classifier, pair["seed"].iloc[0])
        p = _against_random(pair)
        for search, own in pair.groupby("search", sort=False):
            first = {"classifier": classifier, "accuracy": accuracy, "start": start, "search": search}
            table.append(first | _row(own) | {"mcnemar_p": p})
    return pd.DataFrame(table)


def _row(rows: pd.DataFrame) -> dict[str, object]:
    success = rows["success"].astype(bool)
    low, high = wilson(success.sum(), len(rows))
    median, queries_low, queries_high = median_interval(rows.loc[success, "queries"])
    return {
        "n": len(rows),
        "success": success.mean(),
        "low": low,
        "high": high,
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


def median_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """(median, low, high): the interval by order statistics, without any assumption on the distribution.

    It reaches from the k-th smallest to the k-th largest value, k as large as the binomial distribution allows for at
    least the `level`; nan where there are too few values for any. Conover, "Practical nonparametric statistics" (1999),
    section 3.2.
    """
    values = np.sort(np.asarray(values, dtype=float))
    if not values.size:
        return (float("nan"),) * 3
    ranks = np.arange(1, values.size // 2 + 1)
    k = int((2 * bdtr(ranks - 1.0, values.size, 0.5) <= 1 - level).sum())
    bounds = (values[k - 1], values[-k]) if k else (float("nan"),) * 2
    return float(np.median(values)), float(bounds[0]), float(bounds[1])


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


def success_curves(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], NDArray, NDArray]]:
    """(classifier, start, search), and after how many queries (M,) what share of all searches has succeeded (M,).

    All searches of a group have the same budget, so that the share is the Kaplan-Meier estimate.
    """
    require(rows, [*KEYS, "success", "queries"], "black box rows")
    for key, own in rows.groupby(KEYS, sort=False):
        queries, counts = np.unique(own.loc[own["success"].astype(bool), "queries"], return_counts=True)
        share = np.cumsum(counts) / len(own)
        budget = own["queries"].max()
        yield (
            key,
            np.concatenate([[1], queries, [budget]]),
            np.concatenate([[0], share, share[-1:] if len(share) else [0]]),
        )
