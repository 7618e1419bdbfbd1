"""Whether stored images of attacks are what their archive says, and the table `robustness` what follows from them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice, product
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest
from torch import Tensor

from spurious.attacks.scores import Scores
from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError
from spurious.experiments.robustness.archive import sha256
from spurious.experiments.robustness.plain import holds
from spurious.experiments.robustness.settings import WORST
from spurious.experiments.robustness.table import ALL, RATES
from spurious.rates import over_seeds
from spurious.wording import plural

About = Mapping[str, Any]  # an `archive.Archive`, in types of JSON
KEYS = ["classifier", "seed", "defence", "attack", "norm", "epsilon"]
ROUNDING = 1e-6  # of the size of a change
DIGITS = 1e-6  # of a rate: the table has 7 digits
BATCH = 100
# By plain calls of torch: the norms of the library are not asked.
SIZES: dict[str, Callable[[Tensor], Tensor]] = {
    "linf": lambda change: change.abs().max(),
    "l2": lambda change: change.square().sum().sqrt(),
}


def image_faults(
    about: About,
    images: Callable[[str], Tensor],
    original: Callable[[int | str], Tensor],
    labels: Mapping[int | str, int],
    logits: Scores,
) -> Iterator[str]:
    """What is wrong with the images of an archive, a line each that names the defence, attack, norm and image.

    `images` gives a stored one (C, H, W) by its name, `original` the dataset's, float32 in [0, 1], by its id, as
    `labels` does theirs. Checked are hashes, labels, sizes, pixels, and every decision by plain calls (see
    `plain.holds`): before, after, and in 8 bits, the last two of images without another fault.
    Raises SpuriousError for a norm, as for a defence, that has no plain call here.
    """
    for start in about["starts"]:
        if sha256(original(start["id"])) != start["sha256"]:
            yield f"image {start['id']}: the dataset's is not the original that was attacked"
        if start["label"] != labels[start["id"]]:
            yield f"image {start['id']}: its label in the dataset is {labels[start['id']]}, not {start['label']}"
    sound = []
    for row in about["found"]:
        if row["label"] != labels[row["id"]]:
            yield f"{row['name']}: its label in the dataset is {labels[row['id']]}, not {row['label']}"
    for row in (row for row in about["found"] if row["stored"]):
        if fault := _pixel_fault(row, images(row["name"]), original(row["id"])):
            yield f"{row['name']}: {fault}"
        else:
            sound.append(row)
    for name, defence in about["defences"].items():
        claims = _claims(name, about["starts"], sound, images, original)
        for _, alike in groupby(claims, key=lambda claim: claim[1].shape):
            while batch := list(islice(alike, BATCH)):
                lines, pixels, decisions = zip(*batch, strict=True)
                own = torch.tensor(decisions)
                kept = holds(defence, logits, torch.stack(pixels), about["preprocessing"], own)
                yield from (f"{lines[place]} is not {decisions[place]}" for place in (~kept).nonzero().flatten())


def _claims(
    defence: str,
    starts: Sequence[Mapping[str, Any]],
    found: Sequence[Mapping[str, Any]],
    images: Callable[[str], Tensor],
    original: Callable[[int | str], Tensor],
) -> Iterator[tuple[str, Tensor, int]]:
    """Whose decision it is, the image (C, H, W), and the decision of the defence that the archive claims."""
    for start in starts:
        yield f"{defence}, image {start['id']}: the decision before", original(start["id"]), start["clean"][defence]
    found = [row for row in found if row["defence"] == defence]
    for row in found:
        yield f"{row['name']}: the decision after", images(row["name"]), row["predicted"]
    for row in found:
        levels = (255 * original(row["id"])).round()
        rounded = (levels + (255 * images(row["name"]) - levels).trunc()) / 255  # towards the original
        yield f"{row['name']}: the decision in 8 bits", rounded, row["predicted_rounded"]


def _pixel_fault(row: Mapping[str, Any], image: Tensor, original: Tensor) -> str | None:
    """What is wrong with the pixels of an image that was found, but for how it is decided."""
    if (image.shape, image.dtype) != (original.shape, original.dtype):
        return f"is {tuple(image.shape)}, {image.dtype}, its original {tuple(original.shape)}, {original.dtype}"
    if sha256(image) != row["sha256"]:
        return "was altered, its hash is another"
    if not (image >= 0).all() or not (image <= 1).all():
        return "has pixels outside [0, 1]"
    if row["norm"] not in SIZES:
        raise SpuriousError(f"{row['norm']}: a norm that cannot be measured by plain calls")
    size = SIZES[row["norm"]]((image.double() - original.double()).flatten()).item()
    if size > row["epsilon"] + ROUNDING * max(1, row["epsilon"]):
        return f"is {size:.7g} from its original, more than {row['epsilon']:g}"
    return None


def start_faults(archives: Iterable[About], wanted: Collection[int | str] | None) -> Iterator[str]:
    """Originals that are not the `wanted` ones (None: any), each once: up to three lines for a classifier and seed."""
    by_training: dict[str, list[int | str]] = defaultdict(list)
    for about in archives:
        by_training[f"{about['classifier']}, seed {about['seed']}"] += [start["id"] for start in about["starts"]]
    for name, ids in by_training.items():
        known = set(ids) if wanted is None else set(wanted)
        twice = [own for own, count in Counter(ids).items() if count > 1]
        for words, faulty in (
            ("twice", twice),
            ("never", known.difference(ids)),
            ("though the record does not say so", set(ids) - known),
        ):
            if faulty:
                yield f"{name}: {plural(len(faulty), 'image')} attacked {words}, such as {min(faulty)}"


def storage_faults(archives: Iterable[About], kept: Collection[int | str]) -> Iterator[str]:
    """Found images that are not stored although those of their originals are to be `kept`; a line for an archive."""
    for about in archives:
        lost = [row["name"] for row in about["found"] if row["id"] in kept and not row["stored"]]
        if lost:
            training = f"{about['classifier']}, seed {about['seed']}"
            yield f"{training}: {plural(len(lost), 'image')} not kept, such as {lost[0]}"


def table_faults(archives: Iterable[About], table: pd.DataFrame) -> Iterator[str]:
    """Rows of the table `robustness` that do not follow from what was found, a line each."""
    expected = counted(archives).set_index(KEYS)
    missing = [column for column in [*KEYS, *expected] if column not in table]
    yield from (f"robustness.csv: has no column {column}" for column in missing)
    if not {*KEYS}.isdisjoint(missing):
        return
    expected = expected.drop(columns=missing)
    given = table.assign(seed=table["seed"].astype(str), epsilon=pd.to_numeric(table["epsilon"], errors="coerce"))
    given = given.set_index(KEYS)[[*expected]].apply(_numbers)
    twice = given.index[given.index.duplicated()].unique()
    yield from (f"robustness.csv: {', '.join(map(str, key))}: more than one row" for key in twice)
    given = given[~given.index.duplicated()]
    for key in expected.index.union(given.index, sort=False):
        name = ", ".join(map(str, key))
        if key not in given.index or key not in expected.index:
            yield f"robustness.csv: {name}: {'no such row' if key in expected.index else 'nothing was kept of it'}"
            continue
        own = given.loc[key]
        for column, value in expected.loc[key].items():
            if not np.isclose(own[column], value, rtol=DIGITS, atol=DIGITS):
                yield f"robustness.csv: {name}: {column} is {own[column]:g}, from the images {value:.7g}"


def _numbers(column: pd.Series) -> pd.Series:
    """The numbers of a column, which pandas reads as text where one cell is none; nan where there is none."""
    return pd.to_numeric(column.astype(object).replace({"True": True, "False": False}), errors="coerce")


def counted(archives: Iterable[About]) -> pd.DataFrame:
    """The rates of the table `robustness` from what was found, image by image, and what the defences claim.

    Those of one seed have Wilson's interval by scipy. Seeds together have the intervals of `over_seeds`.
    """
    rows = []
    ordered = sorted(archives, key=lambda about: about["classifier"])
    for classifier, parts in groupby(ordered, key=lambda about: about["classifier"]):
        outcomes = pd.concat([_outcomes(about) for about in parts], ignore_index=True)
        for key, own in outcomes.groupby(["defence", "attack", "norm", "epsilon"], sort=False):
            named = {"classifier": classifier, **dict(zip(KEYS[2:], key, strict=True)), "claimed": own["claimed"].any()}
            seeds = list(own.groupby("seed"))
            rows += [named | {"seed": str(seed), "seeds": 1, **_of_one_seed(images)} for seed, images in seeds]
            if len(seeds) > 1:
                rates = {name: over_seeds(own[name], own["seed"], own["id"]) for name in RATES}
                columns = {k: v for name, rate in rates.items() for k, v in rate.columns(name, f"{name}_").items()}
                rows.append(named | {"seed": ALL, "seeds": len(seeds), "n": len(own), **columns})
    return pd.DataFrame(rows)


def _of_one_seed(outcomes: pd.DataFrame) -> dict[str, float]:
    rates: dict[str, float] = {"n": len(outcomes)}
    for name in RATES:
        low, high = binomtest(int(outcomes[name].sum()), len(outcomes)).proportion_ci(method="wilson")
        rates |= {name: outcomes[name].mean(), f"{name}_low": low, f"{name}_high": high}
    return rates


def _outcomes(about: About) -> pd.DataFrame:
    """A row for each start, defence, attack (`worst` last), norm and size: `claimed` and RATES, true or false."""
    rows = []
    for defence, entry in about["defences"].items():
        claim = entry.get("claim") or {"norm": None, "epsilon": 0}
        attacks = [row["attack"] for row in about["attacks"] if row["defence"] == defence]
        own = [row for row in about["found"] if row["defence"] == defence]
        for norm, epsilon in ((norm, epsilon) for norm, sizes in about["sizes"].items() for epsilon in sizes):
            within = defaultdict(list)
            for row in own:
                if row["norm"] == norm and row["epsilon"] <= epsilon:
                    within[row["id"]].append(row)
            for start, attack in product(about["starts"], [*attacks, WORST]):
                found = within[start["id"]]
                row = {"seed": about["seed"], "defence": defence, "attack": attack, "norm": norm}
                row["epsilon"] = float(f"{epsilon:.7g}")  # as tables have it
                row["claimed"] = claim["norm"] == norm and epsilon <= claim["epsilon"]
                rows.append(row | {"id": start["id"], **_rates(start["clean"][defence], start["label"], found, attack)})
    return pd.DataFrame(rows)


def _rates(clean: int, label: int, found: Sequence[Mapping[str, Any]], attack: str) -> dict[str, bool]:
    """Of one image, its label, the decision on it, and what all attacks found of it within the size."""
    rates = {"clean_correct": clean == label, "clean_rejected": clean == REJECTED}
    for column, suffix in (("predicted", ""), ("predicted_rounded", "_rounded")):
        wrong = clean != label or any(
            row["goal"] == "wrong" and row[column] not in (REJECTED, label)
            for row in found
            if attack in (WORST, row["attack"])
        )
        denied = any(row["goal"] == "rejected" and row[column] == REJECTED for row in found)
        rates |= {f"robust_error_detect{suffix}": wrong, f"robust_error_strict{suffix}": wrong or denied}
    return rates
