"""The files of published numbers: whose they are."""

import csv
from pathlib import Path

OF_CLASSIFIERS = ("smoothing write-up", "Goodfellow et al. 2014")  # sources whose settings name one after the dataset


def published_classifiers(folder: Path) -> list[str]:
    """The classifiers that the files in `folder` have numbers of, by the names that `published_as` may take."""
    rows = [row for row in _rows(folder / "published.csv") if row["source"] in OF_CLASSIFIERS]
    certified = [row["classifier"] for row in _rows(folder / "published_certified.csv")]
    return sorted({*certified, *(row["setting"].split(", ")[1] for row in rows)})


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]
