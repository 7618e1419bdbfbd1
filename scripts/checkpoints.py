"""Training with checkpoints: a killed run continues, with the same weights at the end."""

import dataclasses
import hashlib
import json
from pathlib import Path

import torch
from tqdm import tqdm

from spurious.errors import SpuriousError
from spurious.training import Progress, Trainer
from tensorfiles import read_tensors, write_tensors


def train(
    trainer: Trainer, validation: tuple[torch.Tensor, torch.Tensor], checkpoint: Path, name: str
) -> list[Progress]:
    """Run `trainer` to its end and return its history.

    Continues from `checkpoint` where that is of the very same run, and leaves the finished one there: the
    caller removes it when its own results are written.
    """
    made_with = fingerprint(trainer)
    history = _restore(trainer, checkpoint, made_with)
    with tqdm(total=trainer.total, initial=trainer.step, desc=name, unit="step", mininterval=1) as bar:
        for row in trainer.run(validation=validation, on_step=bar.update):
            history.append(row)
            bar.set_postfix(loss=f"{row.loss:.4f}", validation=f"{row.validation_accuracy:.4f}")
            rows = json.dumps([dataclasses.asdict(item) for item in history])
            write_tensors(checkpoint, trainer.state(), {"made_with": made_with, "history": rows})
    return history


def fingerprint(trainer: Trainer) -> str:
    """SHA-256 of all that decides a run: recipe, seed, threads, the model's shapes and the training set."""
    shapes = {name: list(parameter.shape) for name, parameter in trainer.model.named_parameters()}
    recipe = dataclasses.asdict(trainer.recipe)
    digest = hashlib.sha256(json.dumps([recipe, trainer.seed, torch.get_num_threads(), shapes]).encode())
    digest.update(trainer.data.images.numpy().data)
    digest.update(trainer.data.targets.numpy().data)
    return digest.hexdigest()


def _restore(trainer: Trainer, checkpoint: Path, made_with: str) -> list[Progress]:
    """The history of a checkpoint of the same run; one that is unreadable or of another run is not used."""
    try:
        tensors, metadata = read_tensors(checkpoint)
    except SpuriousError:
        return []
    if metadata.get("made_with") != made_with:
        return []
    trainer.restore(tensors)
    return [Progress(**row) for row in json.loads(metadata["history"])]
