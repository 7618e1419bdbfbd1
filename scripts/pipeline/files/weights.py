"""Classifiers that are trained here, as safetensors files.

Apart from other tensors: a job that opens no classifier does not depend on the architectures.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pipeline.files.tensors import read_tensors, write_tensors
from spurious.classifiers.models import Description, build_classifier
from spurious.errors import SpuriousError, reason_of
from spurious.registry import parse


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


def read_classifier(paths: Sequence[str]) -> torch.nn.Module:
    """The classifier of the one file, on the CPU."""
    return load_classifier(paths[0], torch.device("cpu"))


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
