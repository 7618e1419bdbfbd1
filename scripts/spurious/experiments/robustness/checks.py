"""The table of checks on the attacks themselves: a defence that only hides its gradient fails one of them."""

from collections.abc import Iterator

import pandas as pd

from spurious.experiments.robustness.settings import PLAIN, UNPRUNED
from spurious.frames import require

KEYS = ["classifier", "seed", "defence", "norm"]
NEEDED = [*KEYS, "variant", "epsilon", "goal", "sees", "id", "label", "clean", "found", "found_rounded", "vanished"]
ALONE = "alone"
TARGETS = ("targeted", "untargeted")
MORE = {
    "one step": "one step finds no more",
    "more steps": "more steps find no more",
    "more restarts": "more restarts find no more",
}
TRANSFER = "transfer finds no more"
COMPARED = {  # what attacks see, and what those see that should have found as much
    "black box finds no more": (["scores", "decisions"], ["gradient"]),
    TRANSFER: (["another"], ["gradient"]),
    "random finds no more": (["nothing"], ["gradient", "classifier", "another", "scores", "decisions"]),
}
MOST = 100  # violations that are listed


def checks(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each check and defence: columns `classifier, seed, defence, norm, check, n, value, passed, violations`.

    `rows`: what `attack_defence.py` writes. The checks are of images that the defence answers rightly and of changes to
    a wrong class that is accepted. `n` is of what the check is about (images, or images at one size); `value` how many
    of them speak against the defence's attacks, which passes where it is 0:

    - "black box finds no more": found by scores or decisions alone and by no gradient of the defence, at that size;
    - "transfer finds no more": found by the gradient of another classifier and by no gradient of the defence, at that
      size (a row only where it was tried);
    - "random finds no more": found by random changes and by nothing else, at that size;
    - "grows to 100 %": no attack changed it at the largest size;
    - "gradient does not vanish": images at which the gradient of the decision is 0;
    - "decision repeats": images, also those that are not answered rightly, of which a decision was another one when it
      was made again (a row only where `rows` have the column `repeats`).

    At one size, where every attack starts from every image, whatever a smaller one has found: the first three again,
    ", from the start". And of the variants of the white box (`spurious.experiments.robustness.rows.VARIANTS`):

    - "one step finds no more", "more steps find no more", "more restarts find no more": than the white box itself;
    - "targeted agrees with untargeted": found by only one of them;
    - "rounding keeps all": what was found, but does not fool any more in 8 bits.

    Athalye, Carlini and Wagner, "Obfuscated gradients give a false sense of security" (2018), section 3.1, and Carlini
    et al., "On evaluating adversarial robustness" (2019), list such checks.
    """
    require(rows, NEEDED, "rows of attacks on defences")
    attacked = rows[(rows["clean"] == rows["label"]) & (rows["goal"] == "wrong")]
    plain, variants = attacked[attacked["variant"] == PLAIN], attacked[attacked["variant"] != PLAIN]
    again = rows[(rows["variant"] == PLAIN) & ("repeats" in rows)]
    table = [
        dict(zip(KEYS, key, strict=True)) | check
        for made, part in (
            (_checks, plain),
            (_repeats, again),
            (_variant_checks, variants[variants["variant"] != UNPRUNED]),
            (_unpruned_checks, variants[variants["variant"].isin((ALONE, UNPRUNED))]),
        )
        for key, own in part.groupby(KEYS, sort=False)
        for check in made(own)
    ]
    return pd.DataFrame(table, columns=[*KEYS, "check", "n", "value", "passed", "violations"])


def _checks(rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The checks of one defence and norm."""
    yield from _compared(rows)
    largest = rows[rows["epsilon"] == rows["epsilon"].max()].groupby("id")["found"].any()
    yield _row("grows to 100 %", len(largest), largest.index[~largest])
    vanished = rows.groupby("id")["vanished"].first()
    yield _row("gradient does not vanish", len(vanished), vanished.index[vanished])


def _compared(rows: pd.DataFrame, words: str = "") -> Iterator[dict[str, object]]:
    """What attacks that see less have found and others have not, image by image."""
    for check, (sees, others) in COMPARED.items():
        if check == TRANSFER and not rows["sees"].isin(sees).any():
            continue
        found = _found(rows, sees)
        yield _row(check + words, len(found), found.difference(_found(rows, others)).get_level_values("id"))


def _unpruned_checks(rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The comparisons of one defence at the size of the checks, where there are others beside the white box."""
    if (rows["variant"] == UNPRUNED).any():
        yield from _compared(rows, ", from the start")


def _repeats(rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The check that needs no attack to have found anything."""
    same = rows.groupby("id")["repeats"].all()
    yield _row("decision repeats", len(same), same.index[~same])


def _variant_checks(rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The checks of one defence by the variants of its white box."""
    hits = rows[rows["found"].astype(bool)]
    found = {variant: pd.Index(hits.loc[hits["variant"] == variant, "id"]) for variant in (ALONE, *MORE, *TARGETS)}
    alone, n = rows[rows["variant"] == ALONE], rows["id"].nunique()
    for variant, check in MORE.items():
        yield _row(check, n, found[variant].difference(found[ALONE]))
    yield _row("targeted agrees with untargeted", n, found[TARGETS[0]].symmetric_difference(found[TARGETS[1]]))
    yield _row("rounding keeps all", len(found[ALONE]), alone.loc[alone["found"] & ~alone["found_rounded"], "id"])


def _found(rows: pd.DataFrame, sees: list[str]) -> pd.MultiIndex:
    """The (id, epsilon) that attacks which see this have found."""
    hits = rows[rows["found"].astype(bool) & rows["sees"].isin(sees)]
    return pd.MultiIndex.from_frame(hits[["id", "epsilon"]].drop_duplicates())


def _row(check: str, n: int, against: pd.Index) -> dict[str, object]:
    listed = " ".join(map(str, sorted(set(against))[:MOST]))
    return {"check": check, "n": n, "value": len(against), "passed": len(against) == 0, "violations": listed}
