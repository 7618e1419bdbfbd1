"""Fetching the file of a classifier that was trained elsewhere."""

from pathlib import Path

from pipeline.files.downloads import fetch
from spurious.classifiers.trained_elsewhere import ClassifierEntry, Torchvision


def fetch_classifier(output: Path, entry: ClassifierEntry, local_data: str | None = None) -> None:
    """Write its file, from `<local_data>/models/` or where its entry says, the sha256 checked.

    Raises SpuriousError, as `fetch` does.
    """
    url, sha256 = _source(entry)
    fetch(output, dataset="models", sha256=sha256, urls=[url], local_data=local_data)


def _source(entry: ClassifierEntry) -> tuple[str, str]:
    """Where the file is to be had (file name, path or URL), and its sha256 or, of torchvision's, its first digits."""
    if not isinstance(entry, Torchvision):
        return getattr(entry, entry.kind), entry.sha256
    # torch and torchvision: a supplied program needs neither
    from spurious.classifiers.pretrained import published_file

    published = published_file(entry.torchvision, entry.weights)
    return published.url, entry.sha256 or published.sha256
