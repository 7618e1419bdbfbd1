"""The program that certifies: shards, a killed job that goes on, and one that was begun with other settings."""

import json

import pandas as pd
import pytest
import torch

import certify_classifier
from pipeline.files.photographs import sha256_of
from pipeline.files.tensors import write_tensors
from pipeline.files.weights import write_weights
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.errors import SpuriousError
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

CNN = {"architecture": "cnn", "channels": [2, 4], "units": 8}
SETTINGS = {"images": 5, "every": 3, "sigmas": [0.5], "n0": 5, "n": 40, "defences": {"none": "none", "vote": "vote"}}
SETTINGS |= {"attack": {"images": 2, "steps": 2, "n": 20}}


@pytest.fixture
def inputs(tmp_path):
    tensors = {}
    for split in ("train", "validation", "test"):
        images = torch.randint(256, (20, 1, 8, 8), dtype=torch.uint8, generator=generator(split))
        tensors |= {f"{split}_images": images, f"{split}_labels": torch.arange(20) % 3}
    write_tensors(tmp_path / "data", tensors)
    description = Description(image_shape=(1, 8, 8), classes=3, architecture="cnn", channels=(2, 4), units=8)
    model = build_classifier(description)
    initialize(model, "pytorch", generator("certify"))
    write_weights(tmp_path / "weights", model, description)
    return ["--data", str(tmp_path / "data"), "--weights", str(tmp_path / "weights")]


def certified(inputs, folder, *more, entry=CNN, **changes):
    """What the program writes into `folder`."""
    settings = ["--classifier", "cnn", "--entry", json.dumps(entry), "--settings", json.dumps(SETTINGS | changes)]
    files = [folder / "rows.csv", folder / "attacks.csv"]
    outputs = ["--rows", str(files[0]), "--attacks", str(files[1])]
    certify_classifier.main([*inputs, *settings, *outputs, *more])
    return [pd.read_csv(path) for path in files]


def kill_at(monkeypatch, count):
    """The process ends at the image of this number."""
    rows_of_image, calls = certify_classifier.rows_of_image, []

    def killing(*arguments, **options):
        calls.append(arguments)
        if len(calls) == count:
            raise KeyboardInterrupt
        return rows_of_image(*arguments, **options)

    monkeypatch.setattr(certify_classifier, "rows_of_image", killing)
    return calls


def test_shards_are_parts_of_the_whole(inputs, tmp_path):
    rows, attacks = certified(inputs, tmp_path / "whole")
    assert rows["id"].drop_duplicates().tolist() == [0, 3, 6, 9, 12]
    assert {*attacks["id"]} <= {0, 3}
    parts = [certified(inputs, tmp_path / shard, "--shard", shard, "--shards", "2", batch_size=7) for shard in "01"]
    for whole, kind in ((rows, 0), (attacks, 1)):
        joined = pd.concat([part[kind] for part in parts]).sort_values("id", kind="stable", ignore_index=True)
        pd.testing.assert_frame_equal(joined, whole, rtol=1e-4)


def test_a_killed_job_goes_on_and_ends_as_an_undisturbed_one(inputs, tmp_path, monkeypatch):
    expected = certified(inputs, tmp_path / "undisturbed")
    with monkeypatch.context() as patch:
        kill_at(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            certified(inputs, tmp_path / "killed")
    calls = kill_at(monkeypatch, 99)
    for own, other in zip(certified(inputs, tmp_path / "killed"), expected, strict=True):
        pd.testing.assert_frame_equal(own, other)
    assert len(calls) == 2, "three of five images were done"
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {"rows.csv", "attacks.csv"}


def test_a_job_that_was_begun_with_another_n_is_one_line_and_loses_nothing(inputs, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            certified(inputs, tmp_path)
    with pytest.raises(SpuriousError, match=r"rows.csv.journal: was begun with n 40, not 80; set it back") as caught:
        certified(inputs, tmp_path, n=80)
    assert "\n" not in str(caught.value)
    calls = kill_at(monkeypatch, 99)
    certified(inputs, tmp_path)
    assert len(calls) == 3


def test_a_job_that_was_begun_with_another_blur_is_one_line(inputs, tmp_path, monkeypatch):
    blurs = [{"blur": {"kind": "blur", "kernel": kernel}} for kernel in (3, 5)]
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            certified(inputs, tmp_path, defences=blurs[0])
    with pytest.raises(SpuriousError, match=r'rows.csv.journal: was begun with defences .*"kernel": 3.*set it back'):
        certified(inputs, tmp_path, defences=blurs[1])


def test_a_job_that_was_begun_by_other_code_is_begun_again(inputs, tmp_path, monkeypatch):
    """Half of the rows would be of the old code, and the job would count as done by the new one."""
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        patch.setattr(certify_classifier, "code_of", lambda program: f"{program} before the edit")
        with pytest.raises(KeyboardInterrupt):
            certified(inputs, tmp_path)
    calls = kill_at(monkeypatch, 99)
    certified(inputs, tmp_path)
    assert len(calls) == 5


def test_a_job_that_was_begun_with_other_preprocessing_is_one_line(tmp_path, inputs, monkeypatch):
    """The file is the same, its mean and std are of the entry."""
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    torch.jit.trace(model, torch.rand(2, 1, 8, 8)).save(tmp_path / "program.pt")
    entry = {"torchscript": "program.pt", "sha256": sha256_of(tmp_path / "program.pt"), "resize": 8, "crop": 8}
    given = [*inputs[:2], "--weights", str(tmp_path / "program.pt")]
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            certified(given, tmp_path / "out", entry=entry)
    with pytest.raises(SpuriousError, match=r"rows.csv.journal: was begun with mean null, not \[0.9\]; set it back"):
        certified(given, tmp_path / "out", entry=entry | {"mean": [0.9], "std": [0.1]})


def test_a_shard_that_there_is_not_is_one_line(inputs, tmp_path):
    with pytest.raises(SpuriousError, match="--shard 2: with --shards 2 it must be from 0 to 1"):
        certified(inputs, tmp_path, "--shard", "2", "--shards", "2")
