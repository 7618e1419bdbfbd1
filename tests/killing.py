"""A training that is killed in its own process, right after it wrote a checkpoint."""

import itertools
from contextlib import contextmanager

import pytest

from pipeline.files import checkpoints
from pipeline.files.tensors import write_tensors


@contextmanager
def killed_after(monkeypatch, checkpoint):
    """The block, which trains, is killed as soon as its so many-th checkpoint is written."""
    written = itertools.count(1)

    def write_then_die(*arguments):
        write_tensors(*arguments)
        if next(written) == checkpoint:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_tensors", write_then_die)
        with pytest.raises(KeyboardInterrupt):
            yield
