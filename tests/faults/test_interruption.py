"""A training that is killed twice, between two checkpoints, ends in the weights of one that nothing disturbed."""

import re
import shutil

import pandas as pd
import psutil
from safetensors import safe_open

from barriers import Barrier
from harness import started, wait_for
from projects import change_config, contents, run_snakemake

PLACE = "results/digits/cnn/seed0"
WEIGHTS = f"{PLACE}/weights.safetensors"
LONGER = {
    "experiments": {
        "digits": {
            "override": {
                "classifiers": {"cnn": {"channels": [8, 16], "units": 64}},
                "recipes": {"fast": {"steps": 300, "epochs": None}},
            }
        }
    }
}
EVERY = 30  # steps between two checkpoints: a tenth


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
    """The step at which the training of the last run began: its log has a line for every tenth of the 300 steps."""
    log = (folder / "results/logs/digits/cnn/train_seed0.log").read_text(encoding="utf-8")
    return int(re.search(r"\b(\d+)/300\b", log).group(1)) - 300 // 10


def test_killed_training_continues_and_ends_in_the_same_weights(fresh, tmp_path):
    change_config(fresh, LONGER)
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
    assert history["step"].tolist() == list(range(EVERY, 301, EVERY))
