"""The pipeline's tables, each a function of per-image rows."""

from collections.abc import Iterator

import pandas as pd

from spurious.errors import SpuriousError
from spurious.statistics import mcnemar_exact, mean_interval, paired_difference, wilson

ARM = ["negatives", "target"]
SIGNIFICANCE = 0.05
NUMBER = ["source", "quantity", "setting"]
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Table</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1em; color: #1a1a1a; background: #fff; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .5em; text-align: right; white-space: nowrap; border-bottom: 1px solid #e3e3e3; }}
th {{ position: sticky; top: 0; white-space: normal; vertical-align: bottom; }}
th {{ background: #f4f4f4; border-bottom: 2px solid #999; }}
tbody tr:hover {{ background: #eef5fb; }}
{left}
</style></head><body>
{table}
</body></html>
"""


def classifiers(predictions: pd.DataFrame) -> pd.DataFrame:
    """How well every trained classifier does.

    `predictions`: `classifier, seed, split, label, predicted` per image, of the splits test and validation.
    Returns `classifier, seed, n, accuracy, low, high, sd, validation_accuracy`: a row per seed on the test
    split with its Wilson 95 % interval, and a row with seed "all", where accuracy and validation_accuracy
    are means over the seeds and low, high and sd tell how the seeds differ (t interval).
    """
    require(predictions, ["classifier", "seed", "split", "label", "predicted"], "predictions")
    rows = []
    for classifier, own in predictions.groupby("classifier"):
        per_seed = [_classifier_row(classifier, seed, group) for seed, group in own.groupby("seed")]
        mean, sd, low, high = mean_interval([row["accuracy"] for row in per_seed])
        overall = {"classifier": classifier, "seed": "all", "n": per_seed[0]["n"], "accuracy": mean}
        validation = pd.Series([row["validation_accuracy"] for row in per_seed]).mean()
        rows += [*per_seed, {**overall, "low": low, "high": high, "sd": sd, "validation_accuracy": validation}]
    columns = ["classifier", "seed", "n", "accuracy", "low", "high", "sd", "validation_accuracy"]
    return pd.DataFrame(rows, columns=columns)


def _classifier_row(classifier: str, seed: int, predictions: pd.DataFrame) -> dict[str, object]:
    correct = predictions["predicted"] == predictions["label"]
    test = correct[predictions["split"] == "test"]
    if test.empty:
        raise SpuriousError(f"predictions: no row of the split test for {classifier}, seed {seed}")
    low, high = wilson(test.sum(), len(test))
    validation = correct[predictions["split"] == "validation"].mean()
    own = {"classifier": classifier, "seed": seed, "n": len(test), "accuracy": test.mean()}
    return {**own, "low": low, "high": high, "validation_accuracy": validation}


def backworking(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """What every search found: a row per (classifier, seed, label, search).

    `rows`: `classifier, seed, label, search, steps, reinitialized, p` per image. Returns `classifier, seed,
    label, search, images, steps, found, p_min, p_mean, reinitialized`: `found` counts the images with p
    above `found_above`, `steps` is the length of the search, `reinitialized` the fresh starts in it.
    """
    keys = ["classifier", "seed", "label", "search"]
    require(rows, [*keys, "steps", "reinitialized", "p"], "backworking rows")
    found = rows.assign(found=rows["p"] > found_above).groupby(keys, as_index=False)
    return found.agg(
        images=("p", "size"),
        steps=("steps", "max"),
        found=("found", "sum"),
        p_min=("p", "min"),
        p_mean=("p", "mean"),
        reinitialized=("reinitialized", "sum"),
    )


def backworking_summary(rows: pd.DataFrame, *, found_above: float = 0.999) -> pd.DataFrame:
    """Each search over all labels and seeds: a row per (classifier, search); `rows` as for `backworking`.

    Returns `classifier, search, images, found, share, low, high, seeds, found_mean, found_sd, found_min,
    found_max, steps_median`. low and high are the Wilson 95 % interval of the share of all images; the mean
    to the maximum describe how many are found per seed. The median of the steps is over labels and seeds.
    """
    table = backworking(rows, found_above=found_above)
    summary = [
        {"classifier": classifier, "search": search, **_search_summary(group)}
        for (classifier, search), group in table.groupby(["classifier", "search"])
    ]
    return pd.DataFrame(summary)


def _search_summary(table: pd.DataFrame) -> dict[str, float]:
    images, found = int(table["images"].sum()), int(table["found"].sum())
    low, high = wilson(found, images)
    per_seed = table.groupby("seed")["found"].sum()
    return {
        "images": images,
        "found": found,
        "share": found / images,
        "low": low,
        "high": high,
        "seeds": len(per_seed),
        "found_mean": per_seed.mean(),
        "found_sd": per_seed.std(),
        "found_min": per_seed.min(),
        "found_max": per_seed.max(),
        "steps_median": table["steps"].median(),
    }


def retraining(
    attacks: pd.DataFrame, old: pd.DataFrame, predictions: pd.DataFrame, *, found_above: float = 0.999
) -> pd.DataFrame:
    """What retraining changed: a row per (negatives, target, round, seed, attack).

    `attacks`: `negatives, target, round, seed, attack, label, steps, p` per image of an attack on the net of
    that round; `old`: `negatives, target, round, seed, judge, p` per image of the round before, judged by
    the retrained net and by the control, an unretrained net of another seed; `predictions`: `negatives,
    target, round, seed, label, predicted` per test image. Round 0 are the nets before retraining.

    Returns `negatives, target, round, seed, accuracy, old_p_mean, attack, found, steps, accuracy_low,
    accuracy_high, control_p_mean, images`: the bounds are Wilson 95 % intervals, `found` counts p above
    `found_above` among the attack's `images`, `steps` is the median over the labels.
    """
    keys = [*ARM, "round", "seed"]
    require(attacks, [*keys, "attack", "label", "steps", "p"], "attacks")
    require(old, [*keys, "judge", "p"], "old images")
    # The nets before retraining belong to all arms: when several bring their rows along, they count once.
    attacks, old, predictions = (frame.drop_duplicates() for frame in (attacks, old, predictions))
    table = _attack_counts(attacks, keys, found_above)
    table = table.merge(_accuracies(predictions, keys), on=keys, how="left", validate="many_to_one")
    for judge, name in (("retrained", "old_p_mean"), ("control", "control_p_mean")):
        means = old[old["judge"] == judge].groupby(keys)["p"].mean().rename(name)
        table = table.merge(means, on=keys, how="left", validate="many_to_one")
    missing = table[table["accuracy"].isna()]
    if len(missing):
        raise SpuriousError(f"predictions: none for {missing[keys].iloc[0].to_dict()}; run that retraining again")
    last = ["accuracy_low", "accuracy_high", "control_p_mean", "images"]
    return table[[*keys, "accuracy", "old_p_mean", "attack", "found", "steps", *last]]


def _attack_counts(attacks: pd.DataFrame, keys: list[str], found_above: float) -> pd.DataFrame:
    groups = attacks.assign(found=attacks["p"] > found_above).groupby([*keys, "attack"])
    steps = attacks.groupby([*keys, "attack", "label"])["steps"].max().groupby([*keys, "attack"]).median()
    return groups.agg(found=("found", "sum"), images=("p", "size")).assign(steps=steps).reset_index()


def _accuracies(predictions: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    require(predictions, [*keys, "label", "predicted"], "predictions")
    correct = predictions["predicted"] == predictions["label"]
    counts = predictions[keys].assign(correct=correct).groupby(keys)["correct"].agg(["sum", "size", "mean"])
    counts["accuracy_low"], counts["accuracy_high"] = wilson(counts["sum"], counts["size"])
    return counts.rename(columns={"mean": "accuracy"}).drop(columns=["sum", "size"]).reset_index()


def retraining_summary(
    attacks: pd.DataFrame, old: pd.DataFrame, predictions: pd.DataFrame, *, found_above: float = 0.999
) -> pd.DataFrame:
    """Each arm over the seeds: a row per (negatives, target, round, attack); takes what `retraining` takes.

    Returns `negatives, target, round, attack, seeds, accuracy, accuracy_sd, accuracy_difference,
    accuracy_difference_low, accuracy_difference_high, accuracy_verdict`, the same for `found`, then
    `old_p_mean, control_p_mean, accuracy_mcnemar_p, found_mcnemar_p`. A difference is against the arm "none" of
    the same round and attack, paired by seed, with its 95 % interval; it is empty for that arm itself. A few seeds
    can agree by chance, and they share one test set: accuracy (or found) counts as different only where the exact
    McNemar test over the images of all seeds says so as well (p < .05). Found images are paired by their start.
    """
    table = retraining(attacks, old, predictions, found_above=found_above)
    keys = [*ARM, "round", "attack"]
    reference = table[table["negatives"] == "none"]
    rows = []
    for key, group in table.groupby(keys):
        same = reference[(reference["round"] == key[2]) & (reference["attack"] == key[3])]
        row = dict(zip(keys, key, strict=True), seeds=len(group))
        for name in ("accuracy", "found"):
            row |= {name: group[name].mean(), f"{name}_sd": group[name].std(), **_against(same, group, name)}
        rows.append(row | group[["old_p_mean", "control_p_mean"]].mean().to_dict())
    correct = predictions.assign(outcome=predictions["predicted"] == predictions["label"])
    hits = attacks.assign(outcome=attacks["p"] > found_above)
    summary = _with_mcnemar(pd.DataFrame(rows), correct, "accuracy", ["round"], ["id"])
    return _with_mcnemar(summary, hits, "found", ["round", "attack"], ["label", "image"])


def _with_mcnemar(
    summary: pd.DataFrame, outcomes: pd.DataFrame, name: str, groups: list[str], image: list[str]
) -> pd.DataFrame:
    """The summary with McNemar's p against the arm "none", over the images of all seeds, and the verdict it allows."""
    pairing = [*groups, "seed", *image]
    outcomes = outcomes[[*ARM, *pairing, "outcome"]].drop_duplicates()
    reference = outcomes[outcomes["negatives"] == "none"].drop(columns=ARM)
    others = outcomes[outcomes["negatives"] != "none"]
    pairs = others.merge(reference, on=pairing, suffixes=("", "_none"), validate="many_to_one")
    pairs["gained"] = pairs["outcome"] & ~pairs["outcome_none"]
    pairs["lost"] = ~pairs["outcome"] & pairs["outcome_none"]
    counts = pairs.groupby([*ARM, *groups])[["gained", "lost"]].sum().reset_index()
    counts[f"{name}_mcnemar_p"] = [mcnemar_exact(*row) for row in counts[["gained", "lost"]].itertuples(index=False)]
    summary = summary.merge(counts.drop(columns=["gained", "lost"]), on=[*ARM, *groups], how="left")
    chance = summary[f"{name}_verdict"].isin(["higher", "lower"]) & (summary[f"{name}_mcnemar_p"] >= SIGNIFICANCE)
    summary[f"{name}_verdict"] = summary[f"{name}_verdict"].mask(chance, "within noise")
    return summary


def _against(reference: pd.DataFrame, group: pd.DataFrame, name: str) -> dict[str, object]:
    """The difference of a column between an arm and the arm "none", paired by seed."""
    empty = dict.fromkeys([f"{name}_difference", f"{name}_difference_low", f"{name}_difference_high"], float("nan"))
    if group["negatives"].iloc[0] == "none":
        return {**empty, f"{name}_verdict": ""}
    pairs = group.merge(reference, on="seed", suffixes=("", "_none"), validate="one_to_one")
    if pairs.empty:
        return {**empty, f"{name}_verdict": "too few seeds"}
    result = paired_difference(pairs[name], pairs[f"{name}_none"])
    bounds = dict(zip(empty, (result.difference, result.low, result.high), strict=True))
    return {**bounds, f"{name}_verdict": result.verdict}


def published(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> pd.DataFrame:
    """Published numbers beside the reproduced ones.

    `numbers`: `source, quantity, setting, published`; `reproduced`: `source, quantity, setting, reproduced,
    low, high, n`. Returns `source, quantity, setting, published, reproduced, low, high, n, agrees` in the
    order of `numbers`: agrees is "yes" where the published value lies in [low, high], else "no", and empty
    where nothing was reproduced or no interval is known. Raises SpuriousError for a
    reproduced number that nobody published.
    """
    require(numbers, [*NUMBER, "published"], "published numbers")
    require(reproduced, [*NUMBER, "reproduced", "low", "high", "n"], "reproduced numbers")
    for key in _unknown(numbers, reproduced):
        raise SpuriousError(f"reproduced numbers: {', '.join(key)!r} is not among the published numbers")
    table = numbers.merge(reproduced, on=NUMBER, how="left", validate="one_to_one")
    table = table.astype({"low": float, "high": float})  # objects where nothing was reproduced
    inside = table["published"].between(table["low"], table["high"])
    table["agrees"] = inside.map({True: "yes", False: "no"}).where(table[["low", "high"]].notna().all(axis=1), "")
    table["n"] = table["n"].astype("Int64")
    return table[[*NUMBER, "published", "reproduced", "low", "high", "n", "agrees"]]


def _unknown(numbers: pd.DataFrame, reproduced: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    known = set(numbers[NUMBER].itertuples(index=False, name=None))
    return (key for key in reproduced[NUMBER].itertuples(index=False, name=None) if key not in known)


def images_excluded(images: pd.DataFrame) -> pd.DataFrame:
    """The images of a folder that the experiment leaves out, and why: the rows of images.csv that are not `kept`.

    Returns `image, label, name, width, height, mode, channel_difference, reason`.
    """
    columns = ["image", "label", "name", "width", "height", "mode", "channel_difference", "reason"]
    require(images, [*columns, "kept"], "images")
    return images.loc[~images["kept"].astype(bool), columns].reset_index(drop=True)


def to_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown: fractions to 4 significant digits, missing values empty, numbers to the right."""
    right = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    cells = table.astype(object).map(_cell)
    return cells.to_markdown(
        index=False, disable_numparse=True, colalign=["right" if number else "left" for number in right]
    )


def to_html(table: pd.DataFrame) -> str:
    """The table as a page of its own that needs nothing from elsewhere; rounded as in `to_markdown`."""
    cells = table.astype(object).map(_cell)
    texts = [number for number, kind in enumerate(table.dtypes, 1) if not pd.api.types.is_numeric_dtype(kind)]
    left = " ".join(f"th:nth-child({n}), td:nth-child({n}) {{ text-align: left; }}" for n in texts)
    cells.columns = [name.replace("_", "_<wbr>") for name in cells]
    return PAGE.format(left=left, table=cells.to_html(index=False, border=0).replace("&lt;wbr&gt;", "<wbr>"))


def _cell(value: object) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e7:  # counts beside missing values are floats
        return str(int(value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def require(frame: pd.DataFrame, columns: list[str], name: str) -> None:
    """Raises SpuriousError, with the `name` of the frame, where a column is missing."""
    missing = [column for column in columns if column not in frame]
    if missing:
        raise SpuriousError(f"{name}: the column {', '.join(missing)} is missing; found {', '.join(frame.columns)}")
