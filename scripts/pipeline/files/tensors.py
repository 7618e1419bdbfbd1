"""Datasets and images as safetensors files."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pipeline.files.atomic import whole_file
from spurious.data.datasets import Dataset, from_tensors
from spurious.errors import SpuriousError, reason_of


def write_tensors(path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all; the same content gives the same bytes."""
    with whole_file(path) as temporary:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, temporary, metadata)
        if metadata and len(metadata) > 1:
            _sort_metadata(temporary)


def _sort_metadata(path: str | Path) -> None:
    """safetensors writes the keys of metadata in a random order (its issue 584)."""
    with open(path, "r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        content = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode().ljust(size)
        if len(content) != size:
            raise AssertionError(f"{path}: a header of {size} bytes became one of {len(content)}")
        file.seek(8)
        file.write(content)


def read_tensors(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; SpuriousError where it is none."""
    try:
        with safe_open(str(path), framework="pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        reason = reason_of(error)[:200]
        raise SpuriousError(f"{path}: not a readable safetensors file ({reason}); delete it and run again") from None


def read_dataset(path: str | Path) -> Dataset:
    """The dataset that `prepare_dataset.py` wrote."""
    try:
        return from_tensors(read_tensors(path)[0])
    except SpuriousError as error:
        raise SpuriousError(f"{path}: {error}") from None
