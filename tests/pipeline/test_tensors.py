"""Tensors in files: the same content gives the same bytes."""

import json

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pipeline.files.tensors import read_tensors, write_tensors

TENSORS = {"b": torch.arange(6.0).reshape(2, 3), "a/é": torch.tensor([1, 2], dtype=torch.uint8)}
METADATA = {f"key {number}": json.dumps({"words": 'a "quoted" \\ line\n\t\u0001 ü €'}) for number in range(8)}


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("one", "two", "three"):
        write_tensors(tmp_path / name, TENSORS, METADATA)
    assert len({(tmp_path / name).read_bytes() for name in ("one", "two", "three")}) == 1


def test_safetensors_still_writes_metadata_in_a_random_order(tmp_path):
    """If this fails, `_sort_metadata` is no longer needed."""
    for number in range(8):
        save_file(TENSORS, tmp_path / str(number), METADATA)
    assert len({(tmp_path / str(number)).read_bytes() for number in range(8)}) > 1


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "file"
    for metadata in (None, {}, {"one": "1"}, METADATA):
        write_tensors(path, TENSORS, metadata)
        tensors, read = read_tensors(path)
        assert read == (metadata or {})
        assert tensors.keys() == TENSORS.keys()
        assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
        assert load_file(path).keys() == TENSORS.keys()
        with safe_open(path, framework="pt") as file:
            assert (file.metadata() or {}) == (metadata or {})
