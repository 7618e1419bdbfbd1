"""Files that others made: whatever their bytes, our own error in one line, bounded memory, nothing run or misplaced."""

import contextlib
import json
import pickle
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import guarding
import numpy as np
import pytest
import targets
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS, Broken, archive, header, joined, npy, split_header

from pipeline.files import checkpoints, classifiers, estimators, photographs, rows, stores
from pipeline.files import tensors as files_tensors
from pipeline.files import weights as files_weights
from spurious import configuration
from spurious.classifiers.entries import ClassifierEntry
from spurious.data import datasets, downsampled
from spurious.errors import SpuriousError
from spurious.registry import parse

NAME = "some/file"
few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def message(call, *arguments):
    with pytest.raises(SpuriousError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# Properties


@st.composite
def changed(draw, seeds):
    """One of the seeds with some bytes overwritten, cut out or put in."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(content)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_told(name, tmp_path):
    target = TARGETS[name]
    seeds = target.seeds()

    @few
    @given(st.binary(max_size=60) | changed(seeds))
    def check(content):
        with guarding.watched(tmp_path):
            target.read(content, tmp_path)

    for content in seeds:
        target.read(content, tmp_path)
    check()


@pytest.mark.parametrize("name", ["idx", "npz", "batch", "image", "weights", "prepared", "estimator", "store"])
def test_the_first_seed_is_a_valid_file(name, tmp_path, monkeypatch):
    """Where every file was refused, the other tests would say nothing."""
    told = []
    monkeypatch.setattr(targets, "told", lambda call, *arguments: told.append(call(*arguments)) or told[-1])
    content = TARGETS[name].seeds()[0]
    if name == "idx":
        assert len(datasets.from_idx(targets.idx_files(), dict.fromkeys(targets.idx_files(), NAME), 1).images) == 3
    else:
        TARGETS[name].read(content, tmp_path)
        assert told


def test_what_is_watched_is_stopped_and_told(tmp_path):
    (tmp_path / "inside").mkdir()
    for deed in (
        lambda: (tmp_path / "outside").write_text(""),
        lambda: subprocess.run(["true"], check=True),
        lambda: pickle.loads(pickle.dumps(Path())),
        lambda: shutil.rmtree(tmp_path),
    ):
        with (
            pytest.raises(Broken, match="forbidden"),
            guarding.watched(tmp_path / "inside"),
            contextlib.suppress(PermissionError),
        ):
            deed()
    with guarding.watched(tmp_path / "inside"):
        (tmp_path / "inside" / "file").write_text("")
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_a_path_that_leaves_its_folder_is_noticed():
    targets.inside("images", "a/b.png")
    for path in ("../x", "/etc/passwd", "a/../../x", "a\0"):
        with pytest.raises(Broken):
            targets.inside("images", path)


# Memory

HOSTILE = {
    "idx": [b"\0" + struct.pack(">4I", 0x803, *[2**32 - 1] * 3), b"\0" + struct.pack(">4I", 0x803, 2**32 - 1, 1, 1)],
    "gzip": [targets.gzip_seeds()[-1]],
    "npz": [b"\2" + header("(1000000000000, 3, 3)"), b"\2" + header("(100000, 100000, 1)") + bytes(100)],
    "batch": [b"\2" + header("(1000000000000, 12)")],
    "image": [targets.png(100_000, 100_000), targets.png(2**31 - 1, 2**31 - 1)],
    "weights": [
        b"\0" + struct.pack("<Q", 2**60) + b"{}",
        b"\3" + json.dumps(targets.DESCRIPTION | {"units": 10**8}).encode(),
    ],
    "store": [b"\1" + header("(1000000000000, 3, 2, 2)"), b"\2" + header("(1000000000000,)", "'<i8'")],
}
MOST = 64  # MB


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak of memory")
def test_hostile_headers_take_no_memory(tmp_path):
    """In a process of its own, whose peak no other test has raised."""
    code = "import sys; sys.path[:0] = sys.argv[1:3]; import test_edges; test_edges.grow(sys.argv[3])"
    folders = [str(Path(__file__).parent), str(Path(files_tensors.__file__).parents[2])]
    command = [sys.executable, "-c", code, *folders, str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    grown = json.loads(finished.stdout)
    assert grown.pop("control") > MOST
    assert {name: megabytes for name, megabytes in grown.items() if megabytes > MOST} == {}
    assert grown.keys() == HOSTILE.keys()


def grow(folder: str) -> None:
    """Print by how many MB reading each of HOSTILE raises this process's peak, after a valid file was read."""
    grown = {}
    for name, contents in HOSTILE.items():
        for content in [*TARGETS[name].seeds()[:1], None, *contents]:
            if content is None:
                before = peak()
            else:
                TARGETS[name].read(content, Path(folder))
        grown[name] = peak() - before
    before = peak()
    bytearray(b"x") * (2 * MOST << 20)
    print(json.dumps(grown | {"control": peak() - before}))


def peak() -> int:
    """Of this program only: getrusage() would go on from the peak of the process that started it."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024


# Defects that were found, each with its bytes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no array", "magic string"),
        (header("(18446744073709551616,)"), "too large to convert"),
        (header("(12, 3, 3"), "statement"),
        (header("(" * 5000), "NUMPY"),
    ],
    ids=["no array", "more than 64 bits", "cut off", "nested"],
)
def test_an_archive_with_another_member_is_told(content, reason):
    file = archive(images=content, labels=npy(np.arange(2)))
    told = message(datasets.from_npz, file, NAME, 1, 1, 0)
    assert "not a readable .npz file" in told
    batch = archive(data=content, labels=npy(np.arange(2)))
    assert "not a batch file" in message(downsampled.parse_batch, BytesIO(batch), NAME)


def test_an_archive_that_claims_gigabytes_or_is_packed_otherwise_is_told():
    file = archive(**targets.own_arrays())
    sizes = file.index(b"PK\x01\x02") + 24  # of the first member, where it is listed
    claims = file[:sizes] + struct.pack("<I", 2**31) + file[sizes + 4 :]
    assert "announced, more than 1073741824" in message(datasets.from_npz, claims, NAME, 2, 2, 0)
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        packed = archive(method, **targets.own_arrays())
        assert f"packed by the method {method}" in message(datasets.from_npz, packed, NAME, 2, 2, 0)
    assert len(datasets.from_npz(file, NAME, 2, 2, 0).images) == 3


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train_images.npy", header("(4, -3, -2, 2)") + bytes(48), "(4, -3, -2, 2) instead of uint8"),
        ("train_images.npy", header("(4, 3, 2, 2"), "not a readable .npy file"),
        ("train_labels.npy", header("()", "'<i8'") + bytes(8), "() instead of int64"),
        ("store.json", b"[" * 100000, "not the description of a store"),
    ],
    ids=["negative", "cut off", "no dimension", "nested"],
)
def test_a_damaged_store_is_told(tmp_path, name, content, reason):
    for file, valid in targets.store_files().items():
        (tmp_path / file).write_bytes(content if file == name else valid)
    told = message(stores.open_store, tmp_path)
    assert reason in told
    assert name in told


def test_a_csv_file_with_more_fields_is_told_in_one_line(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n1,2\n1,2,3\n")
    assert "Expected 2 fields in line 3, saw 3);" in message(rows.read_rows, [path])


@pytest.mark.parametrize(
    ("line", "reason"),
    [(f"a.png,{10**30},x,y,True", "not a readable list"), ("../a.png,0,x,y,True", "no plain path inside the folder")],
)
def test_a_list_of_photographs_with_such_a_line_is_told(tmp_path, line, reason):
    path = tmp_path / "images.csv"
    path.write_text(f"{targets.LISTED}{line}\n")
    assert reason in message(photographs.open_photographs, tmp_path, path)


@pytest.mark.parametrize("damage", ["history", "nested", "tensor"])
def test_a_damaged_checkpoint_of_the_same_run_is_told(tmp_path, damage):
    described, tensors = split_header(targets.checkpoint())
    metadata = described["__metadata__"]
    if damage == "tensor":
        name = next(name for name in described if name != "__metadata__")
        described[f"{name}!"] = described.pop(name)
    else:
        metadata["history"] = '[{"step": 1}]' if damage == "history" else "[" * 100000
    path = targets.written(tmp_path, "checkpoint", joined(described, tensors))
    told = message(checkpoints._restore, targets.trainer(), path, metadata["made_with"])
    assert told.startswith(f"{path}: damaged (")
    assert told.endswith("delete it and run again")
    assert checkpoints._restore(targets.trainer(), path, "another run") == []


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        (
            json.dumps(targets.DESCRIPTION | {"units": 10**8}),
            "fc.weight has the shape (3, 2) instead of (100000000, 2)",
        ),
        (json.dumps(targets.DESCRIPTION | {"units": 10**30}), "not the weights"),
        (json.dumps(targets.DESCRIPTION | {"architecture": "softmax"}), "conv1.bias is there or wanted, but not both"),
        ("[" * 100000, "maximum recursion depth"),
    ],
    ids=["large", "larger", "another", "nested"],
)
def test_weights_that_describe_another_classifier_are_told(tmp_path, description, reason):
    described, tensors = split_header(targets.weights())
    described["__metadata__"]["classifier"] = description
    path = targets.written(tmp_path, "weights.safetensors", joined(described, tensors))
    assert reason in message(files_weights.load_classifier, path, torch.device("cpu"))


def test_a_program_of_another_sha256_is_never_opened(tmp_path, monkeypatch):
    opened = []
    for name in ("torch.jit.load", "torch.export.load", "torch.load"):
        monkeypatch.setattr(name, lambda *_, **__: opened.append(1))
    path = targets.written(tmp_path, "program", targets.PROGRAM)
    for settings_ in (
        {"torchscript": "x", "sha256": "0" * 64},
        {"exported": "x", "sha256": "0" * 64},
        {"torchvision": "resnet18", "weights": "DEFAULT"},
    ):
        assert "wrong sha256" in message(
            classifiers.open_classifier, path, parse(ClassifierEntry, settings_), torch.device("cpu")
        )
    assert opened == []


def estimator(kind, change):
    """The file of a fitted classifier with one of its arrays changed."""
    members = targets.unzipped(targets.estimators()[kind])
    return targets.zipped({name: change(name, content) for name, content in members.items()})


def with_field(field, value):
    """A change of all nodes' field in the arrays that have one."""

    def change(name, content):
        if not name.endswith(".npy"):
            return content
        array = np.load(BytesIO(content)).copy()
        if array.dtype.names is None or field not in array.dtype.names:
            return content
        array[field] = value
        return npy(array)

    return change


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (0, "left_child", 10**6),
        (0, "feature", 10**6),
        (0, "right_child", 0),
        (1, "left", 10**6),
        (1, "feature_idx", -5),
    ],
)
def test_a_tree_that_leads_elsewhere_is_told(tmp_path, kind, field, value):
    """scikit-learn would read memory that is not its own, or go round for ever."""
    path = targets.written(tmp_path, "model.skops", estimator(kind, with_field(field, value)))
    told = message(estimators.read, path, targets.ENTRIES[kind])
    assert "a tree leads to nodes or features that are not there" in told
    valid = targets.written(tmp_path, "valid.skops", estimator(kind, lambda name, content: content))
    estimators.read(valid, targets.ENTRIES[kind])


def test_an_estimator_with_labels_out_of_range_or_without_a_parameter_is_told(tmp_path):
    def change(name, content):
        array = np.load(BytesIO(content)) if name.endswith(".npy") else None
        return npy(array + 10**6) if array is not None and array.dtype == np.int64 and len(array) == 40 else content

    path = targets.written(tmp_path, "model.skops", estimator(2, change))
    assert "labels are out of range" in message(estimators.read, path, targets.ENTRIES[2])
    renamed = estimator(0, lambda name, content: content.replace(b'"max_depth"', b'"max_width"'))
    path = targets.written(tmp_path, "model.skops", renamed)
    assert "not such a classifier" in message(estimators.read, path, targets.ENTRIES[0])


CYCLE = targets.cyclic()


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("retraining/arms", [{1: 2}], "retraining.arms[0]: the key 1 is not text"),
        ("smoothing/sigmas", CYCLE, "holds itself by an alias"),
        ("smoothing/sigmas", targets.nested(5000), "lie too deep in each other"),
        ("smoothing/batch_size", 1 << 20000, "whole numbers must have less than 64 bits"),
        ("datasets/digits/seed", 2**63, "less than 64 bits"),
        ("experiments", {1 << 20000: 1}, "the key a very long number is not text"),
        ("datasets/imagenet-samples/example", "../../x", "a path inside its folder"),
        ("datasets/imagenet-samples/example", "/etc/passwd", "a path inside its folder"),
        ("datasets/imagenet-samples/example", "a/./b", "a path inside its folder"),
    ],
    ids=["key", "cyclic", "nested", "huge", "64 bits", "huge key", "upwards", "absolute", "dot"],
)
def test_a_configuration_with_such_a_value_is_told(place, value, reason):
    config = json.loads(json.dumps(targets.shipped()))
    *parents, last = place.split("/")
    inner = config
    for part in parents:
        inner = inner[part]
    inner[last] = value
    assert reason in message(configuration.check, config)
