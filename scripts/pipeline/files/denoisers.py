"""Denoisers as safetensors files."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pipeline.files.tensors import read_tensors, write_tensors
from spurious.defences.denoiser import DnCNN
from spurious.defences.denoising import DenoiserSettings
from spurious.errors import SpuriousError, reason_of
from spurious.registry import as_data, parse

if TYPE_CHECKING:  # the training of a denoiser does not depend on the defences
    from spurious.defences.kinds import Defence


def write_denoiser(
    path: str | Path, model: DnCNN, name: str, settings: DenoiserSettings, image_shape: tuple[int, int, int]
) -> None:
    """Write its weights with what is needed to build it again: its name, settings and the (C, H, W) of its images."""
    made = {"name": name, "settings": as_data(settings), "image_shape": image_shape}
    write_tensors(path, model.state_dict(), {"denoiser": json.dumps(made)})


def trained_defences(
    defences: Mapping[str, "Defence"],
    paths: Iterable[str | Path],
    image_shape: tuple[int, int, int] | None,
    device: torch.device,
) -> dict[str, "Defence"]:
    """The defences with the denoisers of these files, in evaluation mode and frozen.

    Raises SpuriousError for a file that is no denoiser, or one of other images than those of `image_shape`, and for a
    denoiser that has no file.
    """
    networks = dict(_read(path, image_shape, device) for path in paths)
    return {name: defence.trained(networks) for name, defence in defences.items()}


def _read(
    path: str | Path, image_shape: tuple[int, int, int] | None, device: torch.device
) -> tuple[str, torch.nn.Module]:
    tensors, metadata = read_tensors(path)
    try:
        made = json.loads(metadata["denoiser"])
        name, shape = made["name"], tuple(made["image_shape"])
        model = DnCNN(shape[0], parse(DenoiserSettings, made["settings"]))
        model.load_state_dict(tensors)
    except (KeyError, ValueError, TypeError, RuntimeError, RecursionError, SpuriousError) as error:
        reason = reason_of(error)[:200]
        raise SpuriousError(f"{path}: not the weights of a denoiser ({reason}); delete it and run again") from None
    if shape != image_shape:
        raise SpuriousError(f"{path}: is trained on images of {shape}, not {image_shape}; delete it and run again")
    return name, model.to(device).eval().requires_grad_(False)
