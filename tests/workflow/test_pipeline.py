"""The workflow itself: what it makes, and what it says of input that it cannot use."""

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import documented
from projects import (
    ARCHIVE,
    DATASET,
    SEARCHES,
    TINY,
    change_config,
    changed_config,
    contents,
    error_lines,
    read_config,
    run_snakemake,
    times,
)

EXPERIMENT = TINY["experiments"][DATASET]
UNREACHABLE = "http://127.0.0.1:9/labels.gz"  # the port "discard": nobody listens


# What a run makes


def test_every_table_and_figure_is_there(finished):
    results = finished / "results" / DATASET
    tables = {path.stem for path in (results / "tables").iterdir()} - {"provenance"}
    figures = {path.stem for path in (results / "figures").iterdir()}
    assert {"classifiers", "backworking", "retraining", "smoothing", "linear"} <= tables
    assert {
        "linear-tests",
        "linear-confident",
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
    assert {path.name for path in (results / "tables").iterdir()} == made | {"provenance.html"}
    assert {path.name for path in (results / "figures").iterdir()} == {
        f"{name}.{kind}" for name in figures for kind in ("png", "svg")
    }


def test_the_columns_of_every_csv_file_are_documented(finished):
    results = finished / "results"
    found = {path: [*pd.read_csv(path, nrows=0)] for path in results.glob(f"{DATASET}/**/*.csv")}
    told = {path: documented.columns(path.relative_to(results).as_posix()) for path in found}
    assert sum(named is not None for named in told.values()) > 20
    assert [(path.name, found[path], told[path]) for path in found if told[path] not in (None, found[path])] == []


def test_files_are_what_their_names_say(finished):
    results = finished / "results" / DATASET
    for path in results.glob("tables/*.csv"):
        rows = pd.read_csv(path)
        assert len(rows) > 0, path
        markdown, html = (path.with_suffix(kind).read_text(encoding="utf-8") for kind in (".md", ".html"))
        assert len(markdown.splitlines()) == len(rows) + 2, path
        assert html.count("<tr") == html.count("<table") * (len(rows) + 1), path
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
    assert (table["n"] == 60 * table["seeds"]).all()
    assert table["accuracy"].min() > 0.6, "a third is chance: were images and labels mixed up?"


# A job that fails


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
    assert error_lines(done) == ["error: --config: unknown key 'local_date'; did you mean 'local_data'?"]
    assert times(finished / "results") == before


LOST = {
    "folder": (
        {"local_data": "elsewhere"},
        "local_data: 'elsewhere' is not a folder here: correct it, or write null to download",
    ),
    "file of a dataset": (
        {"local_data": "local", "datasets": {DATASET: {"files": {"archive": {"urls": ["lost.npz", "also lost.npz"]}}}}},
        f"datasets.{DATASET}.files.archive.urls: "
        f"there is no file 'lost.npz' or 'also lost.npz', nor in local/{DATASET}/: put it there",
    ),
    "address": (
        {"datasets": {DATASET: {"files": {"archive": {"urls": ["http://[::1/lost.npz"]}}}}},
        f"datasets.{DATASET}.files.archive.urls: http://[::1/lost.npz: not an address (Invalid IPv6 URL); correct it",
    ),
    "classifier": (
        {
            "classifiers": {"mine": {"torchscript": "lost.pt", "sha256": "0" * 64}},
            "experiments": {DATASET: {"fooling": ["mine"]}},
        },
        "classifiers.mine.torchscript: there is no file 'lost.pt', nor in <local_data>/models/: put it there",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "plan"])
def test_a_source_that_is_nowhere_is_told_before_anything_starts(fresh, changes, expected, options):
    (fresh / "local").mkdir()
    change_config(fresh, changes)
    done = run_snakemake(fresh, "demo", *options, check=False)
    assert done.returncode == 1
    assert error_lines(done) == [f"error: config.yaml: {expected}"]
    assert "Traceback" not in done.stderr
    assert not (fresh / "results" / DATASET).exists()
    assert not [*fresh.glob(".snakemake/locks/*")]


SHIPPED = "workflow/resources/imagenet_{}.csv"
PHOTOGRAPHS = {"source": "images", "classes": 1000, "folder": "mine", "manifest": SHIPPED.format("samples")}
PHOTOGRAPHS |= {"class_names": SHIPPED.format("classes")}
LINEAR_ALONE = {"seeds": [0], "classifiers": [], "backworking": [], "retraining": [], "smoothing": [], "linear": True}
STORE = {"source": "store", "classes": 1000, "size": 8, "validation": 1}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (PHOTOGRAPHS | {"manifest": "lost"}, "manifest"),
        (PHOTOGRAPHS | {"class_names": "lost"}, "class_names"),
        (STORE | {"tree": {"train": ".", "test": "lost"}}, "tree.test"),
    ],
    ids=["manifest", "class names", "folders of classes"],
)
def test_a_file_of_ones_own_that_is_not_there_is_told_with_its_key(fresh, settings, key):
    changes = {"datasets": {"brought": settings}, "experiments": {"brought": LINEAR_ALONE}}
    change_config(fresh, changes | {"targets": {"demo": ["brought"]}})
    done = run_snakemake(fresh, "demo", "--dry-run", check=False)
    assert done.returncode == 1
    assert error_lines(done) == [f"error: config.yaml: datasets.brought.{key}: there is no 'lost': correct the path"]


def test_a_source_on_the_network_is_planned_without_asking(fresh):
    change_config(fresh, {"datasets": {DATASET: {"files": {"archive": {"urls": ["lost.npz", UNREACHABLE]}}}}})
    assert "fetch_file" in run_snakemake(fresh, "demo", "--dry-run", "--quiet", "rules").stdout


def test_a_source_that_nothing_needs_any_more_may_be_lost(rerun):
    """The archive and its copy are gone, and so is the folder."""
    shutil.rmtree(rerun / "results/downloads")
    (rerun / ARCHIVE).unlink()
    assert "Nothing to be done" in run_snakemake(rerun, "demo", "--dry-run", "--config", "local_data=elsewhere").stdout


def test_a_configuration_file_that_is_not_there(fresh):
    """Snakemake reads it before the Snakefile, as docs/running.md says; archive.py repeats its last line."""
    last = "FileNotFoundError: [Errno 2] No such file or directory: 'nothere.yaml'"
    done = run_snakemake(fresh, "demo", "--configfile", "nothere.yaml", check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == last
    command = [sys.executable, "scripts/archive.py", "demo", "--configfile", "nothere.yaml"]
    packed = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=False)
    assert (packed.returncode, error_lines(packed)) == (
        1,
        [f"error: demo: snakemake cannot plan it ({last}); correct that first"],
    )


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
