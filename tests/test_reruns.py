"""How often the workflow makes something: the same files in each run, nothing twice, only what a change reaches."""

import os
import re
from modulefinder import ModuleFinder

import pandas as pd
import pytest

from projects import DATASET, TINY, change_config, contents, edited, planned_jobs, run_snakemake, times

EXPERIMENT = TINY["experiments"][DATASET]
COMPUTING = {"train_classifier.py", "backwork_label.py", "retrain_classifier.py", "smooth_shard.py"}
COMPUTING |= {"train_linear.py", "fool_classifier.py", "fit_classifier.py", "search_scores.py", "transfer_images.py"}


def test_two_runs_and_any_number_of_cores_give_the_same_files(fresh, finished):
    run_snakemake(fresh, "demo", cores=1)
    once, again = (contents(folder / "results", f"{DATASET}/**/*") for folder in (finished, fresh))
    assert [name for name in once if name.startswith(f"{DATASET}/tables/") and name.endswith(".csv")]
    assert once == again


def test_finished_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in run_snakemake(finished, "demo", "--dry-run").stdout


def test_touched_files_are_not_made_again(rerun):
    for path in [*rerun.glob("scripts/**/*.py"), *rerun.glob("results/**/*.safetensors"), rerun / "config.yaml"]:
        os.utime(path)
    assert "Nothing to be done" in run_snakemake(rerun, "demo", "--dry-run").stdout


@pytest.fixture(scope="module")
def programs(finished):
    """The scripts that the demo runs."""
    done = run_snakemake(finished, "demo", "--dry-run", "--forceall", "--printshellcmds")
    return {script for script, _ in planned_jobs(done)}


def importers(folder, programs, module):
    """Those of the programs that import a module of ours, directly or not, by the bytecode."""
    names = set()
    for name in programs:
        finder = ModuleFinder([str(folder / "scripts")])
        finder.run_script(str(folder / "scripts" / name))
        if module in finder.modules:
            names.add(name)
    return names


@pytest.mark.parametrize(
    "module",
    [
        "spurious.experiments.smoothing.sweep",
        "spurious.attacks.cost",
        "spurious.statistics.intervals",
        "pipeline.files.tensors",
    ],
)
def test_edited_module_reruns_what_imports_it(finished, programs, module):
    expected = importers(finished, programs, module)
    assert expected, f"nothing imports {module}"
    path = f"scripts/{module.replace('.', '/')}.py"
    with edited(finished / path):
        planned = list(planned_jobs(run_snakemake(finished, "demo", "--dry-run", "--printshellcmds")))
    assert expected <= {script for script, _ in planned}
    for script, reason in planned:
        if not reason.startswith("Input files updated by another job"):
            assert script in expected, f"{script} does not import {module}"
            assert reason.startswith("Params have changed since last execution")


def test_edited_smoothing_trains_nothing(finished):
    with edited(finished / "scripts/spurious/experiments/smoothing/sweep.py"):
        planned = {script for script, _ in planned_jobs(run_snakemake(finished, "demo", "-n", "--printshellcmds"))}
    assert "smooth_shard.py" in planned
    assert not planned & (COMPUTING - {"smooth_shard.py"})


def test_changed_sigmas_rerun_only_smoothing(rerun):
    results = rerun / "results"
    before, before_times = contents(results), times(results)
    change_config(rerun, {"smoothing": {"sigmas": [0.0, 0.5]}})
    done = run_snakemake(rerun, "demo", "--printshellcmds", cores=2)
    assert {script for script, _ in planned_jobs(done)} & COMPUTING == {"smooth_shard.py"}
    after = contents(results)
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert {f"{DATASET}/{name}/smoothing.csv" for name in EXPERIMENT["smoothing"]} <= changed
    assert {f"{DATASET}/tables/smoothing.csv", f"{DATASET}/figures/smoothing.png"} <= changed
    assert pd.read_csv(results / DATASET / "tables/smoothing.csv")["sigma"].drop_duplicates().tolist() == [0.0, 0.5]
    kept = [name for name in before if not re.search(r"smoothing|risk-|summary\.rst|published|provenance", name)]
    assert len(kept) > 50
    assert [name for name in kept if times(results)[results / name] != before_times[results / name]] == []
