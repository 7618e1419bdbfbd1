"""The table of what independent judges say of the images that still fool a net."""

import pandas as pd

from spurious.attacks.settings import FROM_NOISE
from spurious.errors import SpuriousError
from spurious.experiments.retraining.persistence import NET, STRONG, STRONG_FROM_NOISE
from spurious.experiments.retraining.verdicts import rates
from spurious.frames import require

KEYS = [*NET, "attack", "judge"]
IMAGE = [*NET, "seed", "label", "image"]
TOLD = ["judge_real", "judge_noise", "limit", "limit_real"]
TELLS_REAL = 0.8  # of the test images a judge must know, above its limit, to be asked


def retraining_judges(strong: pd.DataFrame, judged: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """What each judge says of found images: a row per (classifier, negatives, target, round, attack, judge).

    `strong`: the rows of `retraining_strong`; `judged`: `classifier, negatives, target, round, seed, label, image,
    judge, judge_p, judge_real, judge_noise, limit, limit_real` of each of its images, by each judge. Attacks are
    "strong", and "strong, from noise", whose images no real image led to.

    Returns `judge_real, judge_noise`, the shares of test images that the judge gives to their label, and of noise that
    it gives to any, with p above .5; `limit`, the p above which its word counts: .5, or what it gives to no more than
    5 % of noise; `limit_real`, the share of test images above that. Then `examples_n`, the found images;
    `judge_p`, the mean p that the judge gives to their label; and `example_share, example_low, example_high`, the share
    above the limit, with an interval over seeds and searches: these are examples by now, no artefacts.
    `example_visible`: the longer half of that interval; a share further than that from one half would have decided.
    These four are empty where `limit_real` is below 80 %. `says`: "examples" or "no examples" where the interval lies
    above or below one half, "cannot tell" where it does not or nothing was found, "this judge cannot tell" where the
    share is empty for the judge's sake. Raises SpuriousError where the judged images are not those of `strong`.
    """
    require(strong, [*IMAGE, "start", "p"], "rows of the strong attack")
    require(judged, [*IMAGE, "judge", "judge_p", *TOLD], "judged images")
    judged = judged.drop_duplicates()
    strong = strong[[*IMAGE, "start", "p"]].drop_duplicates()
    rows = judged.merge(strong, on=IMAGE, how="inner", validate="many_to_one")
    if len(rows) != len(judged) or len(rows) != len(strong) * judged["judge"].nunique():
        raise SpuriousError("judged images: others than the attack ended with; judge them again")
    found = rows[rows["p"] > found_above]
    kinds = {STRONG: found, STRONG_FROM_NOISE: found[found["start"].isin(FROM_NOISE)]}
    every = pd.concat([rows[[*NET, "judge", *TOLD]].drop_duplicates().assign(attack=name) for name in kinds])
    said = pd.concat([own.assign(attack=name) for name, own in kinds.items()], ignore_index=True)
    table = every.merge(_said(said), on=KEYS, how="left", validate="one_to_one").sort_values(KEYS, ignore_index=True)
    shares = ["example_share", "example_low", "example_high"]
    table[shares] = table[shares].where(table["limit_real"] >= TELLS_REAL)
    table["example_visible"] = table[shares[1:]].sub(table["example_share"], axis=0).abs().max(axis=1)
    table["examples_n"] = table["examples_n"].fillna(0).astype(int)
    table["says"] = _says(table)
    return table[[*KEYS, *TOLD, "examples_n", "judge_p", *shares, "example_visible", "says"]]


def _says(table: pd.DataFrame) -> pd.Series:
    """What a judge says of most of the found images, (N,)."""
    says = pd.Series("cannot tell", index=table.index)
    says = says.mask(table["example_low"] > 0.5, "examples").mask(table["example_high"] < 0.5, "no examples")
    return says.mask(table["limit_real"] < TELLS_REAL, "this judge cannot tell")


def _said(found: pd.DataFrame) -> pd.DataFrame:
    """KEYS, `judge_p, examples_n, example_share, example_low, example_high` of found images."""
    shares = rates(found.assign(outcome=found["judge_p"] > found["limit"]), KEYS, "example", ["seed", "label"])
    columns = [*KEYS, "example_n", "example_share", "example_low", "example_high"]
    shares = shares.reindex(columns=columns).rename(columns={"example_n": "examples_n"})
    means = found.groupby(KEYS)["judge_p"].mean().reset_index()
    return means.merge(shares.astype(means.dtypes[KEYS].to_dict()), on=KEYS)
