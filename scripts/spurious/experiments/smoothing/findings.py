"""What the tables of the noise sweep say, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.smoothing.rates import rates_of
from spurious.statistics.chance import sentence
from spurious.views.kinds import words_of
from spurious.wording import NO_BREAK, bounds, percent, plural, points

MAJORITY = ("acc_maj", "acc_maj_all", "reject_rate")  # the rates that are no view's


def smoothing(
    table: pd.DataFrame, tests: pd.DataFrame | None = None, clean: pd.DataFrame | None = None, classes: int = 10
) -> Iterator[str]:
    """Sentences per classifier with the smallest kernel, from the tables `smoothing`, `smoothing-tests` and -clean.

    The rates at the strongest noise, what is rejected at every noise level, and, where `tests` are given, where one
    blur and the majority differ from doing without them. First, where `clean` is given, which classifiers are near
    chance without noise, of so many `classes`.
    """
    if clean is not None:
        yield from _near_chance(clean, classes)
    smallest = table[table["kernel"] == table["kernel"].min()]
    for classifier, rows in smallest.groupby("classifier", sort=False):
        yield _rates(rows.loc[rows["sigma"].idxmax()])
        yield f"**{classifier}** rejects {_rejected(rows)}."
        if tests is not None:
            own = tests[(tests["classifier"] == classifier) & (tests["kernel"] == rows["kernel"].iloc[0])]
            blurred = own[(own["first"] == "ns") & (own["second"] == "ss")]
            if len(blurred):
                yield _blur_helps(classifier, blurred)
            yield _majority_gains(classifier, own[own["second"] == "majority"])


def _near_chance(clean: pd.DataFrame, classes: int) -> Iterator[str]:
    for row in clean.itertuples():
        warning = sentence(row.n, row.accuracy, row.high, row.largest_class, classes)
        if warning:
            yield f"**{row.classifier}** {warning}."


def _rates(row: pd.Series) -> str:
    """What every view and the majority get right in one setting."""
    views = [name.removeprefix("acc_") for name in rates_of(row.to_frame().T) if name not in MAJORITY]
    rates = [f"{_bounded(row, f'acc_{view}')} {_plain(view)}" for view in views]
    if views[1:3] == ["ss", "ds"]:  # "blurred once, ... twice"
        rates[2] = f"{_bounded(row, 'acc_ds')} twice"
    accepted = "" if pd.isna(row["acc_maj"]) else f" and on {_bounded(row, 'acc_maj')} of the accepted"
    return (
        f"**{row['classifier']}**, {plural(row['n'], 'image')} under noise of sigma {row['sigma']:g}, {row['kernel']}"
        f" taps (in parentheses 95{NO_BREAK}% intervals): accuracy {', '.join(rates)}. The majority is right on"
        f" {_bounded(row, 'acc_maj_all')} of all images{accepted}."
    )


def _plain(view: str) -> str:
    """Words for a view in a sentence, where "unblurred" is shorter than what a legend says."""
    return "unblurred" if view == "ns" else words_of(view)


def _bounded(row: pd.Series, rate: str) -> str:
    return f"{percent(row[rate], row['n'])} ({bounds(row[f'{rate}_low'], row[f'{rate}_high'], row['n'])})"


def _rejected(rows: pd.DataFrame) -> str:
    """What the majority rejects at every noise level, of as many images each."""
    if not rows["reject_rate"].any():
        return "nothing at any sigma"
    shares = [_bounded(row, "reject_rate") if row["reject_rate"] else "nothing" for _, row in rows.iterrows()]
    return _and([f"{share} at sigma {sigma:g}" for share, sigma in zip(shares, rows["sigma"], strict=True)])


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
    gains = [
        f"{points(row.accuracy_second - row.accuracy_first, row.n)} points at sigma {row.sigma:g} ({_plain(row.first)};"
        f" {'within noise' if row.verdict == 'within noise' else 'significant'})"
        for row in best.itertuples()
    ]
    return (
        f"**{classifier}**: counted over all images, with a rejection as wrong, the majority differs from the best"
        f" single view by {_and(gains)}."
    )


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
