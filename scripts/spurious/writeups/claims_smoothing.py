"""Rules of the claims about blurring and voting. Accuracies are shares; noise is what has sigma above 0."""

import numpy as np
import pandas as pd

from spurious.frames import SIGNIFICANCE
from spurious.statistics.intervals import paired_interval
from spurious.writeups.judging import (
    CONTRADICTED,
    LITTLE,
    SUPPORTED,
    UNDECIDED,
    Finding,
    NotRun,
    above,
    below,
    between,
    chosen,
    difference,
    each_higher,
    first_classifier,
    rate,
    rule,
    smallest,
)

FOOLED = 0.1  # of the images: what "fools" means of noise that harms some
MEDIUM = 0.25  # the write-up's medium noise, and the radius at which it compares


def _main(table: pd.DataFrame, kernel: int | None = None) -> pd.DataFrame:
    """The first classifier's rows, of the write-up's kernel (the smallest) or of another."""
    own = first_classifier(table)
    return chosen(own, f"{kernel} taps" if kernel else "a kernel", kernel=kernel or own["kernel"].min())


def _noisy(rows: pd.DataFrame) -> pd.DataFrame:
    if not (rows["sigma"] > 0).any():
        raise NotRun("the sweep has no noise")
    return rows[rows["sigma"] > 0]


def _gains(tests: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """What `second` gains on `first`, paired by image: the tests' rows with `gain, low, high`."""
    rows = chosen(_main(tests), f"{first} against {second}", first=first, second=second)
    ends = [
        paired_interval(row.only_second, row.only_first, row.n)
        for row in rows.itertuples()  # Bonett and Price
    ]
    low, high = zip(*ends, strict=True)
    return rows.assign(gain=(rows["only_second"] - rows["only_first"]) / rows["n"], low=low, high=high)


def _smallest(rows: pd.DataFrame, verdict: str, words: str, gain: str = "gain") -> Finding:
    row = smallest(rows, gain)
    measured = f"{words}: the smallest one, at sigma {row['sigma']:g} ({row['classifier']})"
    return Finding(verdict=verdict, measured=measured, value=row[gain], low=row["low"], high=row["high"], n=row["n"])


@rule("noise-fools")
def noise_fools(rates: pd.DataFrame) -> Finding:
    """The accuracy that the strongest noise costs; fooled is a network that loses more than FOOLED."""
    rows = _main(rates).sort_values("sigma")
    clean, noisy = chosen(rows, "no noise", sigma=0).iloc[0], _noisy(rows).iloc[-1]
    value, low, high = difference(rate(clean, "acc_ns"), rate(noisy, "acc_ns"))
    measured = f"accuracy lost without noise to sigma {noisy['sigma']:g} ({noisy['classifier']}, not blurred)"
    verdict = above(low, high, FOOLED)
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=noisy["n"])


def _clean_cost(tests: pd.DataFrame, second: str, words: str) -> Finding:
    row = chosen(_gains(tests, "ns", second), "no noise", sigma=0).iloc[0]
    value, low, high = (0.0 - row[name] for name in ("gain", "high", "low"))
    measured = f"accuracy that {words} costs on clean images ({row['classifier']})"
    verdict = below(low, high, LITTLE)
    return Finding(verdict=verdict, measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("blur-costs-little")
def blur_costs_little(tests: pd.DataFrame) -> Finding:
    """The cost of one blur without noise, paired by image: little is below LITTLE."""
    return _clean_cost(tests, "ss", "one blur")


@rule("vote-harmless")
def vote_harmless(tests: pd.DataFrame) -> Finding:
    """The cost of the vote without noise, over all images, a rejection counted as wrong: harmless is below LITTLE."""
    return _clean_cost(tests, "majority", "the vote")


def _helps(tests: pd.DataFrame, second: str, words: str) -> Finding:
    """What `second` gains on no blur at every noise level: exact McNemar tests with Holm's correction."""
    rows = _noisy(_gains(tests, "ns", second))
    return _smallest(rows, each_higher(rows), f"accuracy gained by {words} under noise")


@rule("blur-helps")
def blur_helps(tests: pd.DataFrame) -> Finding:
    """What one blur gains at every noise level: exact McNemar tests with Holm's correction."""
    return _helps(tests, "ss", "one blur")


@rule("vote-helps-all")
def vote_helps_all(tests: pd.DataFrame) -> Finding:
    """What the vote gains over all images at every noise level: exact McNemar tests with Holm's correction."""
    return _helps(tests, "majority", "the vote over all images")


@rule("two-blurs-help")
def two_blurs_help(tests: pd.DataFrame) -> Finding:
    """What two blurs gain at every noise level: exact McNemar tests with Holm's correction."""
    return _helps(tests, "ds", "two blurs")


def _accepted(rates: pd.DataFrame, beside: list[str], words: str) -> Finding:
    """What the published rate, right among the accepted, gains at every noise level on each of the rates `beside`.

    Every interval must lie above 0; one below contradicts, of the mean over all, so nothing is tested often.
    """
    rows = pd.concat([_noisy(_main(rates)).assign(beside=name) for name in beside], ignore_index=True)
    gains = [difference(rate(row, "acc_maj"), rate(row, row["beside"])) for _, row in rows.iterrows()]
    value, low, high = zip(*gains, strict=True)
    rows = rows.assign(gain=value, low=low, high=high)
    mean = rows[["low", "high"]].mean(skipna=False)  # at a level that accepts nothing the claim is open
    higher = all(above(*ends) == SUPPORTED for ends in zip(rows["low"], rows["high"], strict=True))
    verdict = SUPPORTED if higher else CONTRADICTED if above(*mean) == CONTRADICTED else UNDECIDED
    return _smallest(rows, verdict, f"accuracy of the vote on what it accepts, less that of {words} on all images")


@rule("vote-helps-accepted")
def vote_helps_accepted(rates: pd.DataFrame) -> Finding:
    """What the vote gains on no blur, among the accepted, at every noise level."""
    return _accepted(rates, ["acc_ns"], "no blur")


@rule("vote-beats-blurs")
def vote_beats_blurs(rates: pd.DataFrame) -> Finding:
    """What the vote gains on one blur, and on two, among the accepted, at every noise level."""
    return _accepted(rates, ["acc_ss", "acc_ds"], "one or two blurs")


@rule("heavy-noise-rejected")
def heavy_noise_rejected(rates: pd.DataFrame) -> Finding:
    """How much more the vote rejects under the strongest noise than under the weakest."""
    rows = _noisy(_main(rates)).sort_values("sigma")
    weak, strong = rows.iloc[0], rows.iloc[-1]
    if weak["sigma"] == strong["sigma"]:
        raise NotRun("the sweep has one noise level")
    value, low, high = difference(rate(strong, "reject_rate"), rate(weak, "reject_rate"))
    levels = f"from sigma {weak['sigma']:g} to {strong['sigma']:g}"
    measured = f"more images that the vote rejects, {levels} ({strong['classifier']})"
    return Finding(verdict=above(low, high), measured=measured, value=value, low=low, high=high, n=strong["n"])


@rule("use-one-blur")
def use_one_blur(tests: pd.DataFrame) -> Finding:
    """One blur against what rejects nothing either, at every noise level: no blur, and two blurs.

    Supported where it beats no blur everywhere and two blurs beat it nowhere, by the corrected tests; contradicted
    where one of them beats it somewhere.
    """
    gained, twice = _noisy(_gains(tests, "ns", "ss")), _noisy(_gains(tests, "ss", "ds"))
    beaten = ((twice["p_holm"] < SIGNIFICANCE) & (twice["gain"] > 0)).any()
    verdict = CONTRADICTED if beaten else each_higher(gained)
    return _smallest(gained, verdict, "accuracy gained by one blur, which rejects nothing, under noise")


def _differences(first: pd.DataFrame, second: pd.DataFrame, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """A row for each sigma and each of the pairs of rates of two kernels: the difference with its interval."""
    both = first.merge(second, on=["classifier", "sigma"], suffixes=("", "_other"))
    found = [
        dict(zip(("value", "low", "high"), difference(rate(row, own), _other(row, other)), strict=True))
        | {"sigma": row["sigma"], "n": row["n"], "rate": own, "classifier": row["classifier"]}
        for _, row in both.iterrows()
        for own, other in pairs
    ]
    if not found:
        raise NotRun("the two kernels share no noise level")
    return pd.DataFrame(found)


def _other(row: pd.Series, name: str) -> tuple[float, float, float]:
    return row[f"{name}_other"], row[f"{name}_low_other"], row[f"{name}_high_other"]


def _similar(rows: pd.DataFrame, words: str) -> Finding:
    """Whether every difference lies within LITTLE; one beyond contradicts. The row that may be largest is reported."""
    verdicts = np.array([between(*ends, -LITTLE, LITTLE) for ends in zip(rows["low"], rows["high"], strict=True)])
    beyond = verdicts == CONTRADICTED
    verdict = SUPPORTED if (verdicts == SUPPORTED).all() else CONTRADICTED if beyond.any() else UNDECIDED
    deciding = rows[beyond] if beyond.any() else rows
    row = smallest(deciding.assign(minus_largest=-deciding[["low", "high"]].abs().max(axis=1)), "minus_largest")
    measured = f"{words}: the one that may be largest, at sigma {row['sigma']:g} ({row['classifier']})"
    return Finding(verdict=verdict, measured=measured, **row[["value", "low", "high", "n"]])


@rule("seven-taps-similar")
def seven_taps_similar(rates: pd.DataFrame) -> Finding:
    """The differences of all published rates between 5 and 7 taps: similar is within LITTLE at every level."""
    names = ["acc_ss", "acc_ds", "acc_maj", "reject_rate"]
    rows = _differences(_main(rates, 5), _main(rates, 7), [(name, name) for name in names])
    return _similar(rows, "difference of a rate between 5 and 7 taps")


@rule("two-blurs-one-wider")
def two_blurs_one_wider(rates: pd.DataFrame) -> Finding:
    """Accuracy after two blurs of 5 taps, less that after one of 7: equal is within LITTLE at every level."""
    rows = _differences(_main(rates, 5), _main(rates, 7), [("acc_ds", "acc_ss")])
    return _similar(rows, "accuracy after two blurs of 5 taps, less that after one of 7")


def _agree(pairs: pd.DataFrame, sigma: float, bound: float, first: str, second: str, words: str) -> Finding:
    """Whether two views agree on more than `bound` of the images."""
    rows = chosen(_main(pairs), f"{first} and {second}, sigma {sigma:g}", first=first, second=second, sigma=sigma)
    value, low, high = rate(rows.iloc[0], "same")
    measured = f"images on which {words} agree, sigma {sigma:g} ({rows['classifier'].iloc[0]})"
    return Finding(
        verdict=above(low, high, bound), measured=measured, value=value, low=low, high=high, n=rows["n"].iloc[0]
    )


@rule("clean-views-agree")
def clean_views_agree(pairs: pd.DataFrame) -> Finding:
    """Without noise, the plain and the once blurred view agree on more than nine images in ten."""
    return _agree(pairs, 0.0, 0.9, "ns", "ss", "the plain and the once blurred view")


@rule("blurred-views-agree")
def blurred_views_agree(pairs: pd.DataFrame) -> Finding:
    """Under the strongest noise, the once and the twice blurred view agree on most images."""
    strongest = _noisy(_main(pairs))["sigma"].max()
    return _agree(pairs, strongest, 0.5, "ss", "ds", "the two blurred views")


@rule("helps-against-adversary")
def helps_against_adversary(table: pd.DataFrame) -> Finding:
    """What the vote gains on no defence under the worst attack of each image, at the smallest L-infinity size.

    The gain is of images that are answered rightly or rejected, paired by image (`robustness-gain`).
    """
    words = "the vote beside no defence"
    rows = chosen(first_classifier(table), words, attack="worst", norm="linf", defence="vote", beside="none")
    row = smallest(rows, "epsilon")
    measured = f"images gained by the vote under the worst attack, L-infinity {row['epsilon']:g} ({row['classifier']})"
    value, low, high = rate(row, "gain_detect")
    return Finding(verdict=above(low, high), measured=measured, value=value, low=low, high=high, n=row["n"])


@rule("denoised-smoothing-worse")
def denoised_smoothing_worse(table: pd.DataFrame) -> Finding:
    """Accuracy of the smoothed classifier that a denoiser loses under noise of sigma MEDIUM.

    The write-up reads 69 % and 48 % as accuracies under noise. In the paper they are standard accuracy and certified
    accuracy at an L2 radius of .25: two units. `table`: `classifier, defence, sigma, radius, n, certified_accuracy,
    low, high`; at radius 0 it is the share of images whose majority of draws is surely right: an abstention is wrong.
    """
    own = chosen(first_classifier(table), f"sigma {MEDIUM:g}, radius 0", sigma=MEDIUM, radius=0.0)
    plain, denoised = (chosen(own, f"the defence {name}", defence=name).iloc[0] for name in ("none", "denoised"))
    value, low, high = difference(rate(plain, "certified_accuracy", ""), rate(denoised, "certified_accuracy", ""))
    measured = f"accuracy of the majority of draws at sigma {MEDIUM:g} lost by a denoiser ({plain['classifier']})"
    return Finding(verdict=above(low, high), measured=measured, value=value, low=low, high=high, n=plain["n"])
