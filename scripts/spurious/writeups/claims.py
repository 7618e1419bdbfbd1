"""The table of the write-ups' claims and what this run says of each."""

from collections.abc import Mapping, Sequence

import pandas as pd

from spurious.frames import Tables, require
from spurious.writeups import claims_backworking, claims_linear, claims_smoothing  # noqa: F401  they register rules
from spurious.writeups.judging import CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED, decide, name_of_rule

NEEDED = ["name", "write_up", "claim", "passage", "contradicted_by", "tables"]


def table(
    claims: pd.DataFrame,
    tables: Tables | None = None,
    *,
    classifiers: Sequence[str] = (),
    scikit_learn: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A row per claim: `write_up, claim, measured, value, low, high, n, verdict, table, rule`.

    `claims`: NEEDED, a row for each rule. `tables`: those of the dataset by name; `classifiers`: in the order of the
    configuration, where the first is the one that a rule about one judges; `scikit_learn`: what kind each classifier of
    scikit-learn is, by its name. verdict: "supported", "contradicted", "undecided", or "not run" with the reason in
    measured. `table` is the one that the number is from, `rule` the function that decides. What would contradict a
    claim is for the page of the table alone.
    """
    require(claims, NEEDED, "claims")
    known = {
        name: _with_kinds(_in_order(frame, classifiers), scikit_learn or {}) for name, frame in (tables or {}).items()
    }
    rows = []
    for claim in claims.itertuples():
        names = claim.tables.split()
        found = decide(claim.name, names, known)
        number = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
        words = {"write_up": claim.write_up, "claim": claim.claim, "measured": found.measured}
        rows.append(words | number | {"verdict": found.verdict, "table": names[0], "rule": name_of_rule(claim.name)})
    found = pd.DataFrame(rows).astype({"n": "Int64"})
    found.attrs["on_page"] = {"measured": [f". Would contradict it: {text}" for text in claims["contradicted_by"]]}
    return found


def counted(table: pd.DataFrame) -> str:
    """How many claims have each verdict, in words; `table`: the table `claims`."""
    numbers = {
        verdict: (table["verdict"] == verdict).sum() for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED, NOT_RUN)
    }
    return "claims: " + ", ".join(f"{number} {verdict}" for verdict, number in numbers.items())


def _in_order(frame: pd.DataFrame, classifiers: Sequence[str]) -> pd.DataFrame:
    """The rows of these classifiers first, in this order."""
    if "classifier" not in frame:
        return frame
    places = {name: place for place, name in enumerate(classifiers)}
    return frame.sort_values("classifier", key=lambda names: names.map(places), kind="stable", ignore_index=True)


def _with_kinds(frame: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The rows with a column `scikit_learn`: the kind of the classifier, "" for a network."""
    if "classifier" not in frame:
        return frame
    return frame.assign(scikit_learn=[kinds.get(name, "") for name in frame["classifier"]])
