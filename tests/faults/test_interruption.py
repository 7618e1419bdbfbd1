"""A training that is killed twice, between two checkpoints, ends in the weights of one that nothing disturbed."""

import re
import shutil

import pandas as pd
import psutil
from safetensors import safe_open

from barriers import Barrier
from harness import started, wait_for
from projects import DATASET, TINY, contents, run_snakemake

PLACE = f"results/{DATASET}/cnn/seed0"
WEIGHTS = f"{PLACE}/weights.safetensors"
STEPS = TINY["experiments"][DATASET]["override"]["recipes"]["fast"]["steps"]
EVERY = STEPS // 10  # steps between two checkpoints, and between two lines of the log


def killed_before_the_second_checkpoint(folder, name):
    """Train, and kill the trainer when one checkpoint of this run is in place and another about to be.

    Returns the exit status of snakemake, None where that was killed as well, as when the machine is switched off.
    """
    barrier = Barrier(folder / name, r"scripts/train_classifier\.py", rename=2)
    with started(folder, folder / f"{name}.log", WEIGHTS, barrier=barrier) as head:
        assert wait_for(barrier.stopped, head), (folder / f"{name}.log").read_text(encoding="utf-8")
        if name == "everything":
            head.kill()
        psutil.Process(barrier.stopped()[0]).kill()
        return None if name == "everything" else head.wait()


def checkpoint_step(folder):
    with safe_open(folder / PLACE / "checkpoint.safetensors", framework="pt") as file:
        return int(file.get_tensor("step"))


def first_step(folder):
    """The step at which the training of the last run began."""
    log = (folder / f"results/logs/{DATASET}/cnn/train_seed0.log").read_text(encoding="utf-8")
    return int(re.search(rf"\b(\d+)/{STEPS}\b", log).group(1)) - EVERY


def test_killed_training_continues_and_ends_in_the_same_weights(fresh, tmp_path):
    undisturbed = shutil.copytree(fresh, tmp_path / "undisturbed")
    run_snakemake(undisturbed, WEIGHTS)
    assert killed_before_the_second_checkpoint(fresh, "trainer") != 0
    assert checkpoint_step(fresh) == EVERY
    assert not (fresh / WEIGHTS).exists()
    killed_before_the_second_checkpoint(fresh, "everything")
    assert first_step(fresh) == EVERY
    assert checkpoint_step(fresh) == 2 * EVERY
    run_snakemake(fresh, "--unlock")
    run_snakemake(fresh, WEIGHTS)
    assert first_step(fresh) == 2 * EVERY
    whole = contents(undisturbed / "results")
    assert contents(fresh / "results") == whole
    assert not [name for name in whole if "checkpoint" in name]
    history = pd.read_csv(fresh / PLACE / "history.csv")
    assert history["step"].tolist() == list(range(EVERY, STEPS + 1, EVERY))
