"""Datasets, classifiers and images as safetensors files."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pipeline.files.atomic import whole_file
from spurious.classifiers.models import Description, build_classifier
from spurious.data.datasets import Dataset, from_tensors
from spurious.errors import SpuriousError, reason_of
from spurious.registry import parse


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


def write_weights(path: str | Path, model: torch.nn.Module, description: Description) -> None:
    """Write a classifier's parameters with what is needed to build it again."""
    write_tensors(path, model.state_dict(), {"classifier": json.dumps(description.model_dump(mode="json"))})


def load_classifier(
    path: str | Path, device: torch.device, architecture: Mapping[str, object] | None = None
) -> torch.nn.Module:
    """The classifier in a weights file, in evaluation mode, its parameters frozen.

    Raises SpuriousError where the file is no classifier of this pipeline, its tensors do not fit the
    architecture that it names, or that is not the `architecture` (its keys and values) that is expected.
    """
    tensors, metadata = read_tensors(path)
    description = _description(path, metadata)
    wanted = {"architecture": description.architecture, **(architecture or {})}
    same = wanted["architecture"] == description.architecture  # another one may take no such parameters
    if not same or description != parse(Description, description.model_dump() | wanted):
        raise SpuriousError(f"{path}: holds another classifier than config.yaml asks for; delete it and train again")
    try:
        _check_shapes(description, tensors)
        model = build_classifier(description)
        model.load_state_dict(tensors)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise _not_weights(path, error) from None
    return model.to(device).eval().requires_grad_(False)


def _check_shapes(description: Description, tensors: dict[str, torch.Tensor]) -> None:
    """ValueError unless the tensors are the classifier's, before it takes the memory that its description claims."""
    with torch.device("meta"):
        expected = build_classifier(description).state_dict()
    for name in sorted(expected.keys() ^ tensors.keys()):
        raise ValueError(f"{name} is there or wanted, but not both")
    for name, tensor in expected.items():
        if tensor.shape != tensors[name].shape:
            raise ValueError(f"{name} has the shape {tuple(tensors[name].shape)} instead of {tuple(tensor.shape)}")


def read_description(path: str | Path) -> Description:
    """The architecture that a weights file names; SpuriousError where it names none of ours."""
    return _description(path, read_tensors(path)[1])


def _description(path: str | Path, metadata: dict[str, str]) -> Description:
    try:
        return parse(Description, json.loads(metadata["classifier"]))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise _not_weights(path, error) from None


def _not_weights(path: str | Path, error: Exception) -> SpuriousError:
    reason = reason_of(error)[:200]
    return SpuriousError(f"{path}: not the weights of such a classifier ({reason}); delete it and train again")
