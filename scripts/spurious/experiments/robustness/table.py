"""The tables of attacks on defences: errors with a reject option, and what one defence gains beside another."""

from collections.abc import Iterator
from itertools import combinations, product

import pandas as pd

from spurious.defences.rejection import REJECTED
from spurious.experiments.robustness.settings import PLAIN, WORST
from spurious.frames import require
from spurious.rates import Rate, difference_of_images, difference_over_seeds, of_images, over_seeds

IMAGE = ["classifier", "defence", "gradient", "norm", "epsilon", "seed", "id"]
NEEDED = [*IMAGE, "variant", "attack", "goal", "label", "clean", "found", "found_rounded"]
DETECT, STRICT = "robust_error_detect", "robust_error_strict"
RATES = ["clean_correct", "clean_rejected", DETECT, STRICT, f"{DETECT}_rounded", f"{STRICT}_rounded"]
ALL = "all"  # seeds together


def robustness(rows: pd.DataFrame) -> pd.DataFrame:
    """Errors of every defence under every attack, and under the `worst` one of each image.

    `rows`: what `attack_defence.py` writes. Returns `classifier, seed, defence, gradient, attack, norm, epsilon,
    claimed, n, seeds` (`claimed`: whether the defence claims to hold at that size) and rates of all n images, as the
    undefended classifier answers every one: `clean_correct`,
    `clean_rejected`, `robust_error_detect` (the image is not answered rightly, or the attack found one in the ball that
    is accepted and wrong), `robust_error_strict` (or one that is rejected: the union with every attack that wants a
    rejection), `robust_error_detect_rounded` and `robust_error_strict_rounded` (what was found counts where it still
    does in 8 bits), each with `_low` and `_high` (95 %: Wilson, and `spurious.rates.over_seeds` in the row "all").
    """
    table = []
    names = ["classifier", "defence", "gradient", "attack", "norm", "epsilon", "claimed"]
    for (classifier, *others), own in _errors(rows).groupby(names, sort=False):
        for seed, rates in _of_seeds(own):
            row = {"classifier": classifier, "seed": seed, **dict(zip(names[1:], others, strict=True))}
            row |= {"n": rates[DETECT].n, "seeds": rates[DETECT].seeds}
            table.append(row | {k: v for name in RATES for k, v in rates[name].columns(name, f"{name}_").items()})
    return pd.DataFrame(table)


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a classifier's seeds together, or of the only one."""
    return table[(table["seed"].astype(str) == ALL) | (table.groupby("classifier")["seed"].transform("nunique") == 1)]


def seeds_of(row: pd.Series) -> str:
    """Which seeds a row is of, in words."""
    return f"{row['seeds']} seeds" if str(row["seed"]) == ALL else f"seed {row['seed']}"


def gains(rows: pd.DataFrame) -> pd.DataFrame:
    """How many images a defence answers rightly that another one does not, under the same attack.

    `rows`: what `attack_defence.py` writes. Returns `classifier, norm, epsilon, attack, defence, beside, n, seeds,
    gain_detect, gain_strict`, each gain with `_low` and `_high`: the error of `beside` less that of `defence`, paired
    by image, with its 95 % interval (Bonett and Price; `spurious.rates.difference_over_seeds` of several seeds).
    `beside` is another defence of the classifier or, written `classifier/defence`, a defence of another one that claims
    to hold against something: at the attacks and sizes, on the images and seeds, that both have.
    """
    table = []
    errors = _errors(rows)
    claiming = errors.groupby(["classifier", "defence"])["claimed"].transform("any")
    claims = dict(iter(errors[claiming].groupby(["norm", "epsilon", "attack"])))
    for (classifier, *change), own in errors.groupby(["classifier", "norm", "epsilon", "attack"], sort=False):
        defences = _by_image(own["defence"], own)
        pairs = [(name, beside, defences[beside]) for beside, name in combinations(defences, 2)]
        others = claims.get(tuple(change), errors[:0])
        others = others[others["classifier"] != classifier]
        elsewhere = _by_image(others["classifier"] + "/" + others["defence"], others)
        pairs += [(name, beside, elsewhere[beside]) for beside, name in product(elsewhere, defences)]
        row = {"classifier": classifier, **dict(zip(("norm", "epsilon", "attack"), change, strict=True))}
        for name, beside, theirs in pairs:
            if gain := _gain(defences[name], theirs):
                table.append(row | {"defence": name, "beside": beside, **gain})
    return pd.DataFrame(table)


def _errors(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each image and attack, `worst` last: IMAGE, `claimed`, `attack` and RATES, true or false."""
    require(rows, NEEDED, "rows of attacks on defences")
    claimed = rows["claimed"].eq(True) if "claimed" in rows else False  # rows of an earlier run have no such column
    rows = rows.assign(claimed=claimed)[rows["variant"] == PLAIN]
    right, wrong = rows["clean"] == rows["label"], rows["goal"] == "wrong"
    made = rows[[*IMAGE, "claimed", "attack"]].assign(clean_correct=right, clean_rejected=rows["clean"] == REJECTED)
    for name, suffix in (("found", ""), ("found_rounded", "_rounded")):
        found = rows[name].astype(bool)
        denied = (found & ~wrong).groupby([rows[key] for key in IMAGE]).transform("any")
        made[DETECT + suffix] = ~right | (found & wrong)
        made[STRICT + suffix] = made[DETECT + suffix] | denied
    every = pd.concat([made, made.assign(attack=WORST)])
    return every.groupby([*IMAGE, "claimed", "attack"], sort=False)[RATES].any().reset_index()


def _of_seeds(errors: pd.DataFrame) -> Iterator[tuple[object, dict[str, Rate]]]:
    """The rates of each seed, and of several together."""
    seeds = errors.groupby("seed", sort=False)
    for seed, own in seeds:
        yield seed, {name: of_images(own[name]) for name in RATES}
    if len(seeds) > 1:
        yield ALL, {name: over_seeds(errors[name], errors["seed"], errors["id"]) for name in RATES}


def _by_image(names: pd.Series, errors: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The errors of each name, by seed and image."""
    return {name: own.set_index(["seed", "id"]) for name, own in errors.groupby(names, sort=False)}


def _gain(errors: pd.DataFrame, beside: pd.DataFrame) -> dict[str, float]:
    """The gains of a defence from its errors and those of another, of the images that both have; {} of none."""
    both = errors.index.intersection(beside.index, sort=False)
    if both.empty:
        return {}
    images = both.to_frame()
    row: dict[str, float] = {"n": len(images), "seeds": images["seed"].nunique()}
    for name, column in (("gain_detect", DETECT), ("gain_strict", STRICT)):
        changes = beside.loc[both, column].astype(int) - errors.loc[both, column].astype(int)
        one = row["seeds"] == 1
        values = difference_of_images(changes) if one else difference_over_seeds(changes, images["seed"], images["id"])
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    return row
