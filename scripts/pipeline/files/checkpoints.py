"""Training with checkpoints: a killed run continues, with the same weights at the end."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch

from pipeline.files.tensors import read_tensors, write_tensors
from pipeline.jobs.progress import progress_bar, tell
from spurious.data.splits import Split, sampled
from spurious.errors import SpuriousError, reason_of


class Trainer(Protocol):
    """What is trained step by step, such as `training.Trainer` and `linear.LinearTrainer`.

    A protocol, so that a job that trains one of them does not depend on the other. `progress` is a row of its history.
    """

    progress: type[Any]
    seed: int | str
    device: torch.device
    step: int
    total: int

    def run(self, *, validation: Any, on_step: Callable[[], object]) -> Iterator[Any]:
        """Take all steps that are left, and yield rows of the history."""

    def state(self) -> dict[str, torch.Tensor]:
        """All that a run needs to go on."""

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` returned."""

    def decided_by(self) -> tuple[list[Any], list[torch.Tensor]]:
        """The settings, in types of JSON, and the tensors at the start that decide what comes out."""


def train(
    trainer: Trainer,
    validation: tuple[torch.Tensor, torch.Tensor] | Split | None,
    checkpoint: Path,
    name: str,
    code: str,
) -> list[Any]:
    """Run `trainer` to its end and return its history.

    Continues from `checkpoint` where that is of the very same run, by the same `code`, and leaves the finished one
    there: the caller removes it when its own results are written.
    """
    made_with = fingerprint(trainer, validation, code)
    history = _restore(trainer, checkpoint, made_with)
    with progress_bar(total=trainer.total, initial=trainer.step, desc=name, unit="step", mininterval=1) as bar:
        for row in trainer.run(validation=validation, on_step=bar.update):
            history.append(row)
            bar.set_postfix(loss=f"{row.loss:.4f}", validation=f"{row.validation_accuracy:.4f}")
            rows = json.dumps([dataclasses.asdict(item) for item in history])
            write_tensors(checkpoint, trainer.state(), {"made_with": made_with, "history": rows})
    return history


def fingerprint(trainer: Trainer, validation: tuple[torch.Tensor, torch.Tensor] | Split | None, code: str) -> str:
    """SHA-256 of all that decides a run and its history.

    These are `code`, what stands for the program's, settings, seed, threads, kind of device, precision, shapes, the
    weights at the start, and the training and validation images. A source may be larger than memory: its labels, a
    sample of its images and, for training, the mean image stand for it.
    """
    shapes = {name: list(tensor.shape) for name, tensor in trainer.state().items()}
    settings, data = trainer.decided_by()
    if validation is not None:
        data += validation if isinstance(validation, tuple) else sampled(validation)
    decided_by = [code, settings, trainer.seed, torch.get_num_threads(), trainer.device.type, shapes]
    digest = hashlib.sha256(json.dumps(decided_by).encode())
    for tensor in data:
        digest.update(f"{tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _restore(trainer: Trainer, checkpoint: Path, made_with: str) -> list:
    """The history of a checkpoint of the same run; one that is unreadable or of another run is not used.

    Raises SpuriousError where it is of the same run but damaged: `trainer` may then have taken a part of it.
    """
    try:
        tensors, metadata = read_tensors(checkpoint)
    except SpuriousError:
        return []
    if metadata.get("made_with") != made_with:
        tell(f"{checkpoint}: belongs to another run (data, settings, code, device or threads differ); starting again")
        return []
    try:
        history = [trainer.progress(**values) for values in json.loads(metadata["history"])]
        trainer.restore(tensors)
    except Exception as error:  # safetensors has no checksum: any part of it may be another one than was written
        reason = reason_of(error)[:200]
        raise SpuriousError(
            f"{checkpoint}: damaged ({type(error).__name__}: {reason}); delete it and run again"
        ) from None
    return history
