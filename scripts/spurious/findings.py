"""What the tables say, in sentences: the front page of the report is written from these."""

from collections.abc import Iterator

import pandas as pd

NO_BREAK = "\N{NO-BREAK SPACE}"


def classifiers(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier, from the table `classifiers`."""
    for classifier, rows in table.groupby("classifier", sort=False):
        seeds = rows[rows["seed"].astype(str) != "all"]
        worst, best = seeds["accuracy"].min(), seeds["accuracy"].max()
        low, high = seeds["low"].min(), seeds["high"].max()
        yield (
            f"**{classifier}** classifies {percent(seeds['accuracy'].mean())} of {seeds['n'].iloc[0]:,} test images"
            f" correctly (mean of {plural(len(seeds), 'seed')}, {percent(worst)} to {percent(best)}; their"
            f" 95{NO_BREAK}% intervals span {percent(low)} to {percent(high)})."
        )


def backworking(summary: pd.DataFrame, *, found_above: float) -> Iterator[str]:
    """A sentence per classifier and search, from the table `backworking-summary`."""
    for row in published_first(summary, "search").itertuples():
        yield (
            f"**{row.classifier}**, search *{row.search}*: {row.found} of {row.images} images reach p > {found_above:g}"
            f" ({interval(row.share, row.low, row.high)}; per seed {row.found_min:g} to {row.found_max:g} of"
            f" {row.images // row.seeds}). Half of the searches end within {row.steps_median:g} steps."
        )


def retraining(summary: pd.DataFrame) -> Iterator[str]:
    """A sentence per arm after the last round, from the table `retraining-summary`."""
    last = summary[summary["round"] == summary["round"].max()]
    before = summary[summary["round"] == 0]
    yield f"**before retraining**: {_attacks(before)}; accuracy {percent(before['accuracy'].iloc[0])}."
    for (negatives, target), rows in last.groupby(["negatives", "target"], sort=False):
        name = "no negatives" if negatives == "none" else f"{negatives} negatives, target {target}"
        first = rows.iloc[0]
        yield (
            f"**{name}**: {_attacks(rows)}; accuracy {percent(first['accuracy'])}{_against(first)}. To the images of"
            f" the round before, the retrained net gives a mean p of {first['old_p_mean']:.2f}, an unretrained net of"
            f" another seed {first['control_p_mean']:.2f}."
        )


def _attacks(rows: pd.DataFrame) -> str:
    """What every attack finds, and how that compares to retraining without negatives."""
    parts = []
    for row in published_first(rows, "attack").itertuples():
        verdict = f" ({row.found_verdict})" if isinstance(row.found_verdict, str) and row.found_verdict else ""
        parts.append(f"the attack *{row.attack}* finds {row.found:.1f}{verdict}")
    return ", ".join(parts)


def _against(row: pd.Series) -> str:
    if row["negatives"] == "none":
        return ""
    points = f"{100 * row['accuracy_difference']:+.2f} points"
    return f" ({points} against no negatives: {row['accuracy_verdict']})"


def smoothing(table: pd.DataFrame) -> Iterator[str]:
    """A sentence per classifier at the strongest noise with the smallest kernel, from the table `smoothing`."""
    chosen = table[(table["sigma"] == table["sigma"].max()) & (table["kernel"] == table["kernel"].min())]
    for row in chosen.itertuples():
        yield (
            f"**{row.classifier}**, {row.n:,} images under noise of sigma {row.sigma:g}, {row.kernel} taps: accuracy"
            f" {interval(row.acc_ns, row.acc_ns_low, row.acc_ns_high)} unblurred,"
            f" {interval(row.acc_ss, row.acc_ss_low, row.acc_ss_high)} blurred once, {percent(row.acc_ds)} twice; the"
            f" majority is right on {interval(row.acc_maj_all, row.acc_maj_all_low, row.acc_maj_all_high)} of all"
            f" images, {percent(row.acc_maj)} of the accepted; {percent(row.reject_rate)} are rejected."
        )


def published_first(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Within each classifier, the published search before its variants and the comparators."""
    others = ~rows[column].isin(["published", "unclamped", "unclamped, clamped"])
    keys = [key for key in ("classifier",) if key in rows]
    return rows.assign(others=others).sort_values([*keys, "others"], kind="stable").drop(columns="others")


def percent(share: float) -> str:
    """A share as a percentage with enough digits to tell 99.98 from 100."""
    return f"{100 * share:.2f}{NO_BREAK}%"


def interval(share: float, low: float, high: float) -> str:
    """A share with its 95 % interval."""
    return f"{percent(share)}, 95{NO_BREAK}% interval {percent(low)} to {percent(high)}"


def plural(count: int, noun: str) -> str:
    """`count` and the noun in the right number."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
