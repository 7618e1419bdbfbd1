"""The workflow itself: what it makes, what it makes again, and what it says of input that it cannot use."""

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import time
from modulefinder import ModuleFinder

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from projects import (
    ARCHIVE,
    DATASET,
    SEARCHES,
    TINY,
    change_config,
    changed_config,
    contents,
    edited,
    environment,
    error_lines,
    planned_jobs,
    read_config,
    run_snakemake,
    snakemake_command,
)

EXPERIMENT = TINY["experiments"][DATASET]
COMPUTING = {"train_classifier.py", "backwork_label.py", "retrain_classifier.py", "smooth_shard.py"}
COMPUTING |= {"train_linear.py", "fool_classifier.py", "fit_classifier.py", "search_scores.py", "transfer_images.py"}
UNREACHABLE = "http://127.0.0.1:9/labels.gz"  # the port "discard": nobody listens


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


# What a run makes


def test_every_table_and_figure_is_there(finished):
    results = finished / "results" / DATASET
    tables = {path.stem for path in (results / "tables").iterdir()} - {"provenance"}
    figures = {path.stem for path in (results / "figures").iterdir()}
    assert {"classifiers", "backworking", "retraining", "smoothing", "linear"} <= tables
    assert {
        "linear-tests",
        "linear-pair",
        "linear-toy",
        "fooling",
        "fooling-rubbish",
        "black_box",
        "transfer",
    } <= tables
    backworked = [f"found-{name}-{search}" for name in EXPERIMENT["backworking"] for search in SEARCHES]
    backworked += [f"trace-{name}" for name in EXPERIMENT["backworking"]]
    classified = [f"{kind}-{name}" for kind in ("worst", "salient") for name in EXPERIMENT["classifiers"]]
    fooled = [f"fooling-{name}" for name in EXPERIMENT["fooling"]]
    assert {"retraining", "smoothing", *backworked, *classified, *fooled} <= figures
    assert {"linear", "templates", "template-images", "template-noise"} <= figures
    assert {"black_box", "black_box-images", "transfer"} <= figures
    made = {f"{name}.{kind}" for name in tables for kind in ("csv", "md", "html")}
    assert {path.name for path in (results / "tables").iterdir()} == made | {"provenance.json", "provenance.html"}
    assert {path.name for path in (results / "figures").iterdir()} == {
        f"{name}.{kind}" for name in figures for kind in ("png", "svg")
    }


def test_files_are_what_their_names_say(finished):
    results = finished / "results" / DATASET
    for path in results.glob("tables/*.csv"):
        rows = pd.read_csv(path)
        assert len(rows) > 0, path
        markdown, html = (path.with_suffix(kind).read_text(encoding="utf-8") for kind in (".md", ".html"))
        assert len(markdown.splitlines()) == len(rows) + 2, path
        assert html.count("<tr") == len(rows) + 1, path
        assert "http" not in html, path
    for path in results.glob("figures/*.png"):
        assert path.read_bytes().startswith(b"\x89PNG\r\n"), path
        assert "<svg" in path.with_suffix(".svg").read_text(encoding="utf-8"), path


def test_nothing_temporary_is_left(finished):
    names = contents(finished / "results")
    assert len(names) > 50
    assert not [name for name in names if re.search(r"/\.|^\.|checkpoint|\.part$|\.tmp", name)]


def test_own_dataset_is_read_as_it_is(finished):
    """Three classes of 12 x 12 pixels, from a path with blanks, through to the tables."""
    given = np.load(finished / ARCHIVE)
    tensors = load_file(finished / "results" / DATASET / "data.safetensors")
    images = np.concatenate([tensors[f"{split}_images"].numpy() for split in ("train", "validation", "test")])
    assert images.shape == (len(given["images"]), 1, 12, 12)
    assert sorted(image.tobytes() for image in images) == sorted(image.tobytes() for image in given["images"])
    with safe_open(finished / "results" / DATASET / "cnn/seed0/weights.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["classifier"])["classes"] == 3
    table = pd.read_csv(finished / "results" / DATASET / "tables/classifiers.csv")
    assert (table["n"] == 60).all()
    assert table["accuracy"].min() > 0.6, "a third is chance: were images and labels mixed up?"


# How often it makes it


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


# Interruptions

WEIGHTS = "results/digits/cnn/seed0/weights.safetensors"
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


@contextlib.contextmanager
def training(folder):
    """Snakemake training WEIGHTS in `folder`: (its process, that of train_classifier.py)."""
    run = subprocess.Popen(
        snakemake_command(WEIGHTS),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process = psutil.Process(run.pid)
    try:
        yield process, wait_for(lambda: trainer_below(process))
    finally:
        for child in [*process.children(recursive=True), process] if process.is_running() else []:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        run.wait()


def trainer_below(process):
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.cmdline()[1:2] == ["scripts/train_classifier.py"]:
                return child
    return None


def wait_for(find):
    """What `find` returns as soon as it is something; gives up after two minutes."""
    for _ in range(12000):
        if found := find():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def checkpoint_step(folder):
    path = folder / WEIGHTS.replace("weights", "checkpoint")
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        return int(file.get_tensor("step"))


def first_step(folder):
    """The step at which the training of the last run began, by the progress bar in its log."""
    log = (folder / "results/logs/digits/cnn/train_seed0.log").read_text(encoding="utf-8")
    return int(re.search(r"\b(\d+)/300\b", log).group(1))


def test_killed_training_continues_and_ends_in_the_same_weights(fresh, tmp_path):
    change_config(fresh, LONGER)
    undisturbed = shutil.copytree(fresh, tmp_path / "undisturbed")
    run_snakemake(undisturbed, WEIGHTS)
    with training(fresh) as (snakemake, trainer):
        wait_for(lambda: checkpoint_step(fresh))
        trainer.kill()
        assert snakemake.wait() not in (0, None)
    first_kill = checkpoint_step(fresh)
    assert 0 < first_kill < 300
    assert not (fresh / WEIGHTS).exists()
    with training(fresh) as (snakemake, trainer):  # as when the machine is switched off
        wait_for(lambda: checkpoint_step(fresh) > first_kill)
        snakemake.kill()
        trainer.kill()
    second_kill = checkpoint_step(fresh)
    assert first_kill < second_kill < 300
    assert first_step(fresh) == first_kill
    run_snakemake(fresh, "--unlock")
    run_snakemake(fresh, WEIGHTS)
    assert first_step(fresh) == second_kill
    whole = contents(undisturbed / "results")
    assert contents(fresh / "results") == whole
    assert not [name for name in whole if "checkpoint" in name]
    history = pd.read_csv(fresh / "results/digits/cnn/seed0/history.csv")
    assert history["step"].tolist() == list(range(30, 301, 30))


def put_other_architecture(weights, other):
    """Replace the tensors of a weights file by those of another architecture; its description stays."""
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(other), weights, metadata)


def test_failed_job_names_the_weights_and_leaves_finished_results(rerun):
    """The weights of another architecture in the place of a classifier's."""
    results = rerun / "results"
    wrong, failing = f"{DATASET}/cnn/seed0/weights.safetensors", f"{DATASET}/cnn/smoothing"
    put_other_architecture(results / wrong, results / DATASET / "softmax/seed0/weights.safetensors")
    before = contents(results)
    done = run_snakemake(rerun, f"results/{failing}.csv", check=False)
    assert done.returncode != 0
    (error,) = error_lines(done)
    assert error.startswith(f"error: results/{wrong}: not the weights of such a classifier (")
    assert error.endswith("; delete it and train again")
    assert "Traceback" not in done.stderr
    after = contents(results)
    assert {name for name in before if name not in after} == {f"{failing}/shard0.csv"}
    assert after == {name: before[name] for name in after}


# Bad input

BAD_CONFIG = {
    "unknown key": ({"smoothing": {"sigmass": [0.1]}}, "smoothing: unknown key 'sigmass'; did you mean 'sigmas'?"),
    "wrong type": ({"backworking": {"images": "two"}}, "backworking.images: 'two' is not allowed: images per label"),
    "negative sigma": ({"smoothing": {"sigmas": [-0.1]}}, "smoothing.sigmas[0]: -0.1 is not allowed: standard dev"),
    "even kernel": ({"smoothing": {"kernels": [4]}}, "smoothing.kernels[0]: 4 is not allowed: odd number of taps"),
    "dataset": ({"targets": {"demo": ["digit"]}}, "targets.demo[0]: unknown dataset 'digit'; did you mean 'digits'?"),
    "classifier": (
        {"experiments": {DATASET: {"smoothing": ["cmn"]}}},
        f"experiments.{DATASET}.smoothing[0]: unknown classifier 'cmn'; did you mean 'cnn'?",
    ),
    "override": (
        {"experiments": {DATASET: {"override": {"recipes": {"fast": {"step": 3}}}}}},
        f"experiments.{DATASET}.override.recipes.fast: unknown key 'step'; did you mean 'steps'?",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), BAD_CONFIG.values(), ids=BAD_CONFIG.keys())
def test_bad_config_is_named_before_anything_starts(finished, changes, expected):
    before = times(finished / "results")
    with changed_config(finished, changes):
        done = run_snakemake(finished, "demo", "--forceall", check=False)
    assert done.returncode != 0
    (error,) = error_lines(done)
    assert error.startswith(f"error: config.yaml: {expected}")
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert times(finished / "results") == before, "a job was started, or a result removed"


def test_value_on_the_command_line_is_checked_as_well(finished):
    before = times(finished / "results")
    done = run_snakemake(finished, "demo", "--forceall", "--config", "local_date=/data", check=False)
    assert done.returncode != 0
    assert error_lines(done) == ["error: config.yaml: unknown key 'local_date'; did you mean 'local_data'?"]
    assert times(finished / "results") == before


def test_results_that_is_no_folder(fresh):
    shutil.rmtree(fresh / "results")
    (fresh / "results").write_text("mine")
    done = run_snakemake(fresh, "demo", check=False)
    assert done.returncode != 0
    assert error_lines(done) == ["error: results: cannot be written (File exists); make it a writable folder"]
    assert "Traceback" not in done.stderr
    assert (fresh / "results").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into any folder")
def test_results_that_may_not_be_written(fresh):
    (fresh / "results").chmod(0o555)
    done = run_snakemake(fresh, "demo", check=False)
    (fresh / "results").chmod(0o755)
    assert done.returncode != 0
    assert error_lines(done) == ["error: results: cannot be written (Permission denied); make it a writable folder"]


def idx_bytes(array):
    """An unsigned-byte array as an IDX file."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def own_mnist(folder):
    """Tiny IDX files in <folder>/local/mnist, packed or not, declared in the configuration; {key: path}."""
    files = read_config(folder)["datasets"]["mnist"]["files"]
    random = np.random.default_rng(0)
    paths = {}
    for key, entry in files.items():
        count = 30 if key.startswith("train") else 12
        labels = np.arange(count, dtype=np.uint8) % 3
        content = idx_bytes(labels if key.endswith("labels") else random.integers(0, 256, (count, 12, 12), np.uint8))
        name = entry["urls"][0].rsplit("/", 1)[1]
        paths[key] = folder / "local/mnist" / (name if key.startswith("train") else name.removesuffix(".gz"))
        paths[key].parent.mkdir(parents=True, exist_ok=True)
        paths[key].write_bytes(gzip.compress(content) if key.startswith("train") else content)
        entry["sha256"] = hashlib.sha256(content).hexdigest()
    mnist = {"validation": 6, "classes": 3, "files": files}
    linear = {"mnist": {"override": {"linear": {"pair": [0, 2]}}}}
    change_config(folder, {"local_data": "local", "datasets": {"mnist": mnist}, "experiments": linear})
    return paths


def test_idx_files_of_a_local_folder(fresh):
    own_mnist(fresh)
    run_snakemake(fresh, "results/mnist/data.safetensors")
    tensors = load_file(fresh / "results/mnist/data.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        "train_images": (24, 1, 12, 12),
        "validation_images": (6, 1, 12, 12),
        "test_images": (12, 1, 12, 12),
        "train_labels": (24,),
        "validation_labels": (6,),
        "test_labels": (12,),
    }
    assert torch.equal(tensors["test_labels"], torch.arange(12) % 3)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda content: content[:-10], "cut off or damaged gzip"),
        (lambda content: gzip.compress(gzip.decompress(content)[:-1] + b"\7"), "wrong sha256 "),
    ],
    ids=["cut off", "altered"],
)
def test_damaged_local_file(fresh, damage, expected):
    path = own_mnist(fresh)["train_labels"]
    path.write_bytes(damage(path.read_bytes()))
    done = run_snakemake(fresh, "results/mnist/data.safetensors", check=False)
    assert done.returncode != 0
    (error,) = error_lines(done)
    assert error.startswith(f"error: {path.relative_to(fresh)}: {expected}")
    assert "replace or remove it" in error
    assert "Traceback" not in done.stderr
    made = contents(fresh / "results")
    assert not {"downloads/mnist/train_labels", "mnist/data.safetensors"} & made.keys()


def test_mirrors_out_of_reach(fresh):
    file = {"urls": [UNREACHABLE, "nowhere/labels.gz"]}
    change_config(fresh, {"datasets": {"mnist": {"files": {"train_labels": file}}}})
    before = contents(fresh / "results")
    done = run_snakemake(fresh, "results/downloads/mnist/train_labels", check=False)
    assert done.returncode != 0
    (error,) = error_lines(done)
    assert f"{UNREACHABLE} (no connection), nowhere/labels.gz (no such file)" in error
    assert "put labels.gz into <folder>/mnist/ and set local_data: <folder> in config.yaml" in error
    assert "Traceback" not in done.stderr
    assert contents(fresh / "results") == before
