"""A plan for 50,000 photographs has the jobs that it should have, and commands that a shell can be given."""

import re
import subprocess

import pytest

from planning import CLASSIFIERS, DATASET, SWEEP_OF_ONE_SHARD, expected_jobs, make_large, planned_by_rule
from projects import changed_config, copy_project, run_snakemake

SHARDS = 26


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A project that would sweep 50,000 photographs, of which none is there; nothing runs in it."""
    return make_large(copy_project(tmp_path_factory.mktemp("large")), SHARDS)


def planned(folder):
    return planned_by_rule(run_snakemake(folder, "demo", "--dry-run", "--quiet", "rules").stdout)


def test_a_plan_has_one_job_for_each_shard_and_classifier(large):
    found = planned(large)
    assert found == expected_jobs(SHARDS)
    assert (sum(found.values()), found["smooth_shard"]) == (106, 78)
    assert not (large / "results" / DATASET).exists()


def test_another_number_of_shards_changes_only_their_jobs(large):
    with changed_config(large, {"smoothing": {"shards": SHARDS + 1}}):
        found = planned(large)
    assert found != expected_jobs(SHARDS)
    assert found == expected_jobs(SHARDS) | {"smooth_shard": (SHARDS + 1) * len(CLASSIFIERS)}


def test_the_command_that_gathers_shards_does_not_grow_with_them(large):
    """Linux takes no text of more than 128 KiB in a command; the paths of 3,000 shards are longer."""
    target = f"results/{DATASET}/{CLASSIFIERS[0]}/smoothing.csv"
    printed = run_snakemake(large, target, "--dry-run", "--printshellcmds").stdout
    (command,) = re.findall(r"python scripts/gather_smoothing\.py .*", printed)
    (given,) = re.findall(r"--shards (.*?) --", command)
    expanded = subprocess.run(["bash", "-c", f"echo {given}"], capture_output=True, text=True, check=True).stdout
    assert expanded.split() == [SWEEP_OF_ONE_SHARD.replace("shard0", f"shard{number}") for number in range(SHARDS)]
    assert len(command) < 1000
