"""Any classifier of a file, be it a network or one of scikit-learn."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pipeline.files.classifiers import open_classifier
from pipeline.files.estimators import limit_threads, read
from spurious.classifiers.entries import ClassifierEntry, ScikitLearn

if TYPE_CHECKING:  # importing it takes a second
    from sklearn.base import ClassifierMixin


def open_any(
    path: str | Path, entry: ClassifierEntry, device: torch.device, threads: int = 1
) -> "torch.nn.Module | ClassifierMixin":
    """The classifier of a file by its entry of `classifiers:`, a network or one of scikit-learn.

    Raises SpuriousError, naming the file, where it is not what the entry says.
    """
    if isinstance(entry, ScikitLearn):
        limit_threads(threads)
        return read(path, entry, threads)
    return open_classifier(path, entry, device, accelerated=False)[0]
