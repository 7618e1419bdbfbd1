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


def smoothing(table: pd.DataFrame, tests: pd.DataFrame | None = None) -> Iterator[str]:
    """Sentences per classifier with the smallest kernel, from the tables `smoothing` and `smoothing-tests`.

    The rates at the strongest noise, what is rejected at every noise level, and, where `tests` are given, where one
    blur and the majority differ from doing without them.
    """
    smallest = table[table["kernel"] == table["kernel"].min()]
    for classifier, rows in smallest.groupby("classifier", sort=False):
        yield _rates(rows.loc[rows["sigma"].idxmax()])
        rejected = [f"{percent(row.reject_rate)} at sigma {row.sigma:g}" for row in rows.itertuples()]
        yield f"**{classifier}** rejects {_and(rejected)}."
        if tests is not None:
            own = tests[(tests["classifier"] == classifier) & (tests["kernel"] == rows["kernel"].iloc[0])]
            yield _blur_helps(classifier, own[(own["first"] == "ns") & (own["second"] == "ss")])
            yield _majority_gains(classifier, own[own["second"] == "majority"])


def _rates(row: pd.Series) -> str:
    """What every view and the majority get right in one setting."""
    accepted = "" if pd.isna(row["acc_maj"]) else f" and on {_bounded(row, 'acc_maj')} of the accepted"
    return (
        f"**{row['classifier']}**, {row['n']:,} images under noise of sigma {row['sigma']:g}, {row['kernel']} taps"
        f" (in parentheses 95{NO_BREAK}% intervals): accuracy {_bounded(row, 'acc_ns')} unblurred,"
        f" {_bounded(row, 'acc_ss')} blurred once, {_bounded(row, 'acc_ds')} twice. The majority is right on"
        f" {_bounded(row, 'acc_maj_all')} of all images{accepted}."
    )


def _bounded(row: pd.Series, rate: str) -> str:
    return f"{percent(row[rate])} ({percent(row[f'{rate}_low'])} to {percent(row[f'{rate}_high'])})"


def _blur_helps(classifier: str, tests: pd.DataFrame) -> str:
    """Where the view blurred once is right on other images than the unblurred one, by the corrected tests."""
    parts = []
    for verdict, what in (("second", "helps"), ("first", "harms"), ("within noise", "makes no significant difference")):
        sigmas = [f"{sigma:g}" for sigma in tests.loc[tests["verdict"] == verdict, "sigma"]]
        parts += [f"{what} at sigma {_and(sigmas)}"] if sigmas else []
    return f"**{classifier}**: blurring once {_and(parts)} (exact McNemar tests, Holm's correction)."


def _majority_gains(classifier: str, tests: pd.DataFrame) -> str:
    """The majority against the view that is right most often, per noise level."""
    best = tests.loc[tests.groupby("sigma")["accuracy_first"].idxmax()]
    names = {"ns": "unblurred", "ss": "blurred once", "ds": "blurred twice"}
    gains = [
        f"{100 * (row.accuracy_second - row.accuracy_first):+.2f} points at sigma {row.sigma:g} ({names[row.first]};"
        f" {'within noise' if row.verdict == 'within noise' else 'significant'})"
        for row in best.itertuples()
    ]
    return (
        f"**{classifier}**: counted over all images, with a rejection as wrong, the majority differs from the best"
        f" single view by {_and(gains)}."
    )


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


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
