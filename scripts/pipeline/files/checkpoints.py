"""Training with checkpoints: a killed run continues, with the same weights at the end."""

import dataclasses
import hashlib
import json
from pathlib import Path

import torch

from pipeline.files.tensors import read_tensors, write_tensors
from pipeline.jobs.progress import progress_bar
from spurious.classifiers.linear import LinearProgress, LinearTrainer
from spurious.classifiers.training import Progress, Trainer
from spurious.data.splits import ImageSource
from spurious.errors import SpuriousError, reason_of

SAMPLED = 256  # images of a source, whose pixels enter the fingerprint


def train(
    trainer: Trainer | LinearTrainer,
    validation: tuple[torch.Tensor, torch.Tensor] | ImageSource | None,
    checkpoint: Path,
    name: str,
) -> list[Progress] | list[LinearProgress]:
    """Run `trainer` to its end and return its history.

    Continues from `checkpoint` where that is of the very same run, and leaves the finished one there: the
    caller removes it when its own results are written.
    """
    made_with = fingerprint(trainer, validation)
    history = _restore(trainer, checkpoint, made_with)
    with progress_bar(total=trainer.total, initial=trainer.step, desc=name, unit="step", mininterval=1) as bar:
        for row in trainer.run(validation=validation, on_step=bar.update):
            history.append(row)
            bar.set_postfix(loss=f"{row.loss:.4f}", validation=f"{row.validation_accuracy:.4f}")
            rows = json.dumps([dataclasses.asdict(item) for item in history])
            write_tensors(checkpoint, trainer.state(), {"made_with": made_with, "history": rows})
    return history


def fingerprint(
    trainer: Trainer | LinearTrainer, validation: tuple[torch.Tensor, torch.Tensor] | ImageSource | None
) -> str:
    """SHA-256 of all that decides a run and its history.

    These are settings, seed, threads, kind of device, precision, shapes, the weights at the start, and the training
    and validation images. A source may be larger than memory: its labels, a sample of its images and, for training, the
    mean image stand for it.
    """
    shapes = {name: list(tensor.shape) for name, tensor in trainer.state().items()}
    if isinstance(trainer, LinearTrainer):
        settings, autocast, source = trainer.settings, False, trainer.source
        details = [source.block, source.window]  # they decide how it is shuffled
        data = [trainer.mean.cpu(), *_sample(source)]
    else:
        settings, autocast, details = trainer.recipe, trainer.autocast, [trainer.data.negatives]
        data = [trainer.data.images, trainer.data.targets, *trainer.model.state_dict().values()]
        if (fresh := trainer.data.fresh) is not None:
            details += [fresh.noise.model_dump(mode="json"), fresh.classes]
            data += [fresh.target]
    if validation is not None:
        data += validation if isinstance(validation, tuple) else _sample(validation)
    machine = [torch.get_num_threads(), trainer.device.type, autocast]
    decided_by = [settings.model_dump(mode="json"), trainer.seed, machine, shapes, details]
    digest = hashlib.sha256(json.dumps(decided_by).encode())
    for tensor in data:
        digest.update(f"{tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _sample(source: ImageSource) -> list[torch.Tensor]:
    """All labels of a source, and evenly spread images of it."""
    count = min(len(source), SAMPLED)
    return [source.labels, source.batch(torch.arange(count) * len(source) // count)]


def _restore(trainer: Trainer | LinearTrainer, checkpoint: Path, made_with: str) -> list:
    """The history of a checkpoint of the same run; one that is unreadable or of another run is not used.

    Raises SpuriousError where it is of the same run but damaged: `trainer` may then have taken a part of it.
    """
    try:
        tensors, metadata = read_tensors(checkpoint)
    except SpuriousError:
        return []
    if metadata.get("made_with") != made_with:
        return []
    row = LinearProgress if isinstance(trainer, LinearTrainer) else Progress
    try:
        history = [row(**values) for values in json.loads(metadata["history"])]
        trainer.restore(tensors)
    except Exception as error:  # safetensors has no checksum: any part of it may be another one than was written
        reason = reason_of(error)[:200]
        raise SpuriousError(
            f"{checkpoint}: damaged ({type(error).__name__}: {reason}); delete it and run again"
        ) from None
    return history
