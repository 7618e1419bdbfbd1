"""The record of a dataset's run, the description beside its results that says where they come from."""

import json
from pathlib import Path
from typing import Any

from spurious.errors import SpuriousError
from spurious.report.crate import METADATA, record


def read_record(path: Path) -> dict[str, Any]:
    """What `results/<dataset>/ro-crate-metadata.json` says of the dataset; SpuriousError where it is no such record."""
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        metadata = None
    try:
        return record(metadata, path.parent.name)
    except SpuriousError as error:
        raise SpuriousError(f"{path.parent}/{error}") from None


def record_of(dataset: Path) -> dict[str, Any] | None:
    """The record in the results of a dataset; None where there is none."""
    path = dataset / METADATA
    return read_record(path) if path.exists() else None
