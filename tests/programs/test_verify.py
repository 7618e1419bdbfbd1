"""Stored images of attacks and the table of their rates: what is sound passes, each planted fault is named."""

import itertools
import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import attack_defence
import verify
from making import make
from pipeline.digest import SCRIPTS
from pipeline.files.tensors import write_tensors
from pipeline.files.weights import write_weights
from records import write_record
from spurious import registry
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.predictions import predict
from spurious.errors import SpuriousError
from spurious.experiments.robustness.archive import sha256
from spurious.experiments.robustness.jobs import parts
from spurious.seeding import generator
from spurious.wording import plural

pytestmark = pytest.mark.usefixtures("one_thread")

SOFTMAX = {"architecture": "softmax"}
SETTINGS = {
    "images": 10,
    "sizes": {"linf": [4 / 255, 0.3], "l2": [1.0]},  # the table has seven digits of the first
    "checks": {"images": 1},
    "defences": {
        "none": "none",
        "blur": {"kind": "blur", "kernel": 3, "claim": {"norm": "linf", "epsilon": 0.1}},
        "vote": {"kind": "vote", "views": ["ns", "ss", "ds", "median", "bits"], "kernel": 3},
        "threshold": {"kind": "threshold", "coverage": 0.9},
    },
    "attacks": {
        "white-box": {"kind": "white-box", "steps": 2, "targets": 1},
        "denial": {"kind": "denial", "steps": 2},
        "hop-skip-jump": {"kind": "hop-skip-jump", "rounds": 1},
    },
}
SHARD = "tiny/linear/seed3/robustness/shard{}.safetensors"


def drawn(description, seed):
    model = build_classifier(description).requires_grad_(False)
    for parameter in model.parameters():
        parameter.normal_(std=0.1, generator=generator("weights", seed))
    return model


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Results of attacks on a classifier drawn at random; all labels but one are what the first of two seeds says."""
    folder = tmp_path_factory.mktemp("results")
    description = registry.parse(Description, SOFTMAX | {"image_shape": [1, 12, 12], "classes": 3})
    images = torch.randint(256, (20, 1, 12, 12), dtype=torch.uint8, generator=generator("images"))
    models = {seed: drawn(description, seed) for seed in (3, 4)}
    labels = predict(models[3], images / 255).argmax(1)
    labels[0] = (labels[0] + 1) % 3
    splits = {
        f"{split}_{kind}": tensor.clone()
        for split in ("train", "validation", "test")
        for kind, tensor in (("images", images), ("labels", labels))
    }
    write_tensors(folder / "tiny/data.safetensors", splits)
    for (seed, model), shard in itertools.product(models.items(), range(2)):
        own = folder / f"tiny/linear/seed{seed}"
        write_weights(own / "weights.safetensors", model, description)
        rows = own / f"robustness/shard{shard}.csv"
        options = {"data": folder / "tiny/data.safetensors", "weights": own / "weights.safetensors", "seed": seed}
        options |= {"classifier": "linear", "entry": json.dumps(SOFTMAX), "settings": json.dumps(SETTINGS)}
        options |= {"shard": shard, "shards": 2, "rows": rows, "found": rows.with_suffix(".safetensors")}
        attack_defence.main([str(word) for name, value in options.items() for word in (f"--{name}", value)])
    (folder / "tiny/tables").mkdir()
    make(
        folder / "tiny/tables",
        "table",
        "robustness",
        {"rows": sorted(folder.glob("tiny/linear/seed*/robustness/*.csv"))},
    )
    return folder


@pytest.fixture
def results(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "results")


def read(path):
    """Images that were found, without those of the figure, and what is known of them."""
    found = {name: image for name, image in load_file(path).items() if not name.startswith("examples/")}
    with safe_open(path, "pt") as file:
        return found, json.loads(file.metadata()["archive"])


def write(path, tensors, about):
    save_file(tensors, path, {"archive": json.dumps(about)})


def first(about, **wanted):
    return next(row for row in about["found"] if all(row[name] == value for name, value in wanted.items()))


def faults(results, capsys):
    """What verify.py names, and its last line."""
    with pytest.raises(SpuriousError, match=r"does not hold, \d+ fault") as caught:
        verify.main([str(results)])
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if not line.endswith(("judged again", "counted again"))], str(caught.value)


def test_what_is_sound_passes_in_a_fresh_process(sound):
    command = [sys.executable, SCRIPTS / "verify.py", sound]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "error" in done.stderr) == (0, False)
    tensors, about = read(sound / SHARD.format(0))
    assert len(done.stdout.splitlines()) == 5
    assert f"{len(tensors)} adversarial images from 5 originals, {len(tensors)} kept and judged again" in done.stdout
    assert {row["goal"] for row in about["found"]} == {"wrong", "rejected"}
    assert {row["defence"] for row in about["found"]} == set(SETTINGS["defences"])


def test_every_image_that_a_row_found_is_stored(sound):
    for shard in range(2):
        path = sound / SHARD.format(shard)
        rows = pd.read_csv(path.with_suffix(".csv"), keep_default_na=False)
        rows = rows[rows["found"].astype(bool)]
        names = rows["defence"] + "/" + rows["attack"] + "/" + rows["norm"] + "/" + rows["id"].astype(str)
        assert set(names) == read(path)[0].keys()


def test_an_altered_pixel_is_named(results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    name = first(about, defence="vote")["name"]
    tensors[name][0, 5, 5] += 1e-5
    write(path, tensors, about)
    lines, last = faults(results, capsys)
    assert f"{path}: {name}: was altered, its hash is another" in lines
    assert last.startswith(f"{results}: does not hold")


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_an_image_just_outside_the_ball_is_named(norm, results, capsys):
    path = results / SHARD.format(1)
    tensors, about = read(path)
    row = first(about, norm=norm)
    original = load_file(results / "tiny/data.safetensors")["test_images"][row["id"]] / 255
    dark = tuple((original < 0.4).nonzero()[: 1 if norm == "linf" else 4].T)
    original[dark] += 1.0001 * row["epsilon"] / len(dark[0]) ** 0.5
    tensors[row["name"]] = original
    row["sha256"] = sha256(tensors[row["name"]])
    write(path, tensors, about)
    lines, _ = faults(results, capsys)
    assert any(f"{row['name']}: is " in line and f"more than {row['epsilon']:g}" in line for line in lines)


def test_pixels_outside_the_range_are_named(results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    row = first(about, norm="linf")
    tensors[row["name"]][0, 0, 0] = -0.001
    row["sha256"] = sha256(tensors[row["name"]])
    write(path, tensors, about)
    assert f"{path}: {row['name']}: has pixels outside [0, 1]" in faults(results, capsys)[0]


def test_a_swapped_original_is_named(results, capsys):
    data = load_file(results / "tiny/data.safetensors")
    data["test_images"][[2, 4]] = data["test_images"][[4, 2]]
    save_file(data, results / "tiny/data.safetensors")
    lines, _ = faults(results, capsys)
    for name in (2, 4):
        assert (
            f"{results / SHARD.format(0)}: image {name}: the dataset's is not the original that was attacked" in lines
        )
    assert not any("image 6: the dataset" in line for line in lines)


def test_a_label_that_is_not_the_datasets_is_named(results, capsys):
    """The rates are counted by the labels of the archive: with others every answer can be right."""
    path = results / SHARD.format(0)
    tensors, about = read(path)
    start = about["starts"][0]
    label, start["label"] = start["label"], start["label"] + 1
    write(path, tensors, about)
    line = f"{path}: image {start['id']}: its label in the dataset is {label}, not {start['label']}"
    assert line in faults(results, capsys)[0]


def test_originals_that_were_dropped_or_repeated_are_named(results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    kept, gone = about["starts"][:-1], about["starts"][-1]["id"]
    about["starts"] = [*kept, kept[0]]
    about["found"] = [row for row in about["found"] if row["id"] != gone]
    write(path, {row["name"]: tensors[row["name"]] for row in about["found"]}, about)
    assert f"{results / 'tiny'}: linear, seed 3: 1 image attacked twice, such as 0" in faults(results, capsys)[0]
    record_of_two_seeds(results)
    assert f"{results / 'tiny'}: linear, seed 3: 1 image attacked never, such as {gone}" in faults(results, capsys)[0]


def test_an_archive_that_says_it_is_of_another_seed_is_named(results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    write(path, tensors, about | {"seed": 9})
    assert f"{path}: is of linear, seed 9, by what it says" in faults(results, capsys)[0]


@pytest.mark.parametrize(("column", "moment"), [("predicted", "after"), ("predicted_rounded", "in 8 bits")])
def test_a_changed_decision_is_named(column, moment, results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    row = first(about, defence="none", attack="white-box")
    row[column] = 3 - row["label"] - row[column] if row[column] != row["label"] else (row["label"] + 1) % 3
    write(path, tensors, about)
    assert f"{path}: {row['name']}: the decision {moment} is not {row[column]}" in faults(results, capsys)[0]


@pytest.mark.parametrize(
    ("column", "place", "seed"),
    [
        ("clean_correct", 6, "3"),
        ("robust_error_strict_rounded", 7, "4"),
        ("robust_error_detect_high", 8, "all"),
        ("n", 8, "all"),
    ],
)
def test_a_changed_rate_is_named(column, place, seed, results, capsys):
    path = results / "tiny/tables/robustness.csv"
    table = pd.read_csv(path, keep_default_na=False)
    table[column] = table[column].astype(float)
    table.loc[place, column] += 1e-4
    table.to_csv(path, index=False)
    lines, _ = faults(results, capsys)
    assert len(lines) == 1
    row = table.loc[place]
    assert row["seed"] == seed
    key = f"{row['classifier']}, {row['seed']}, {row['defence']}, {row['attack']}, {row['norm']}, {row['epsilon']}"
    assert lines[0].startswith(f"{path}: {key}: {column} is ")


def test_a_claim_that_a_defence_does_not_make_is_named(results, capsys):
    path = results / "tiny/tables/robustness.csv"
    table = pd.read_csv(path, keep_default_na=False)
    assert set(table[table["claimed"]]["epsilon"]) == {float(f"{4 / 255:.7g}")}
    own = (table["defence"] == "blur") & (table["attack"] == "worst") & (table["seed"] == "3")
    table.loc[own, "claimed"] = ~table["claimed"]
    table.to_csv(path, index=False)
    lines, _ = faults(results, capsys)
    assert len(lines) == own.sum() == 3
    assert sum(line.endswith("claimed is 0, from the images 1") for line in lines) == 1


def test_a_table_that_lacks_a_column_is_one_line(results, capsys):
    path = results / "tiny/tables/robustness.csv"
    pd.read_csv(path, keep_default_na=False).drop(columns="claimed").to_csv(path, index=False)
    assert faults(results, capsys)[0] == [f"{path}: has no column claimed"]


def test_rows_that_are_missing_or_of_nothing_are_named(results, capsys):
    path = results / "tiny/tables/robustness.csv"
    table = pd.read_csv(path, keep_default_na=False)
    pd.concat([table.drop(index=3), table.loc[[4]].assign(seed=9)]).to_csv(path, index=False)
    lines, _ = faults(results, capsys)
    assert [line.rpartition(": ")[2] for line in lines] == ["no such row", "nothing was kept of it"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda table: table.drop(columns="seed"), "robustness.csv: has no column seed"),
        (lambda table: pd.concat([table, table.loc[[4]].assign(n=9)]), "{key}: more than one row"),
        (lambda table: table.astype({"clean_correct": object}).replace({"clean_correct": {1.0: "all"}}), "is nan"),
        (lambda table: table.assign(claimed=["no idea", *table["claimed"][1:]]), "claimed is nan"),
    ],
    ids=["no key", "twice", "text for a rate", "text for a claim"],
)
def test_a_table_that_cannot_be_compared_is_told_in_lines(change, line, results, capsys):
    path = results / "tiny/tables/robustness.csv"
    table = pd.read_csv(path, keep_default_na=False)
    table.loc[4, "clean_correct"] = 1.0
    change(table).to_csv(path, index=False)
    key = ", ".join(map(str, table.loc[4, ["classifier", "seed", "defence", "attack", "norm", "epsilon"]]))
    lines, _ = faults(results, capsys)
    assert any(line.format(key=key) in told for told in lines)
    assert sum("claimed" in told for told in lines) == (line == "claimed is nan")


def test_archives_that_are_gone_are_named(results, capsys):
    """Beside a dataset that is sound; of another all are gone, and the record says that there were some."""
    shutil.copytree(results / "tiny", results / "other")
    record_of_two_seeds(results)
    gone = sorted((results / "tiny").glob("*/seed4/robustness/*.safetensors"))
    for paths in (gone, sorted((results / "tiny").glob("*/seed3/robustness/*.safetensors"))):
        for path in paths:
            path.unlink()
        assert {f"{path}: is missing" for path in gone} <= {*faults(results, capsys)[0]}


def test_images_that_are_not_kept_are_named(results, capsys):
    path = results / SHARD.format(0)
    _, about = read(path)
    for row in about["found"]:
        row["stored"] = False
    write(path, {}, about)
    verify.main([str(results)])  # without a record nobody knows how many were to be kept
    record_of_two_seeds(results)
    some = about["found"][0]["name"]
    expected = f"{results / 'tiny'}: linear, seed 3: {len(about['found'])} images not kept, such as {some}"
    assert faults(results, capsys)[0] == [expected]
    kept = [row["name"] for row in about["found"] if row["id"] < 5]
    assert 0 < len(kept) < len(about["found"])
    record_of_two_seeds(results, archived=5)
    expected = f"{results / 'tiny'}: linear, seed 3: {plural(len(kept), 'image')} not kept, such as {kept[0]}"
    assert faults(results, capsys)[0] == [expected]


@pytest.mark.parametrize("with_record", [False, True])
def test_a_dataset_without_archives_is_named_beside_a_sound_one(with_record, results, capsys):
    shutil.copytree(results / "tiny", results / "other")
    if with_record:
        record_of_two_seeds(results)
        (results / "tiny/tables/robustness.csv").unlink()
    for path in (results / "tiny").glob("*/seed*/robustness/*.safetensors"):
        path.unlink()
    lines, _ = faults(results, capsys)
    assert {line.partition(": ")[2] for line in lines} == (
        {"is missing"} if with_record else {"no archive is there that it could be counted from"}
    )


def test_a_label_of_a_found_image_that_is_another_is_named(results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    row = first(about, defence="none", goal="wrong")
    expected = f"{path}: {row['name']}: its label in the dataset is {row['label']}, not 2"
    row["label"] = 2 if row["label"] != 2 else 1
    write(path, tensors, about)
    assert expected.replace("not 2", f"not {row['label']}") in faults(results, capsys)[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sizes": None}, "sizes"),
        ({"seed": "3"}, "seed"),
        ({"starts": []}, "starts"),
        ({"entry": ...}, "the key 'entry' is missing"),
        ({"defences": {}}, "a start has not the decision of every defence"),
        ({"starts": slice(1)}, "an image was found of no start"),
        ({"attacks": [{}]}, "the key 'defence' is missing"),
    ],
)
def test_an_archive_that_says_too_little_is_one_line(change, reason, results):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    ((name, value),) = change.items()
    change = {name: about[name][value]} if isinstance(value, slice) else change
    about = {name: value for name, value in (about | change).items() if value is not ...}
    write(path, tensors, about)
    with pytest.raises(SpuriousError, match=rf"shard0.safetensors: not the images of attacks \(.*{reason}.*\); run"):
        verify.main([str(results)])


@pytest.mark.parametrize("change", [torch.Tensor.double, lambda image: image[:, :6], lambda image: image.flatten(1)])
def test_an_image_of_another_shape_or_type_is_named(change, results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    row = first(about, defence="vote", goal="wrong")
    tensors[row["name"]] = changed = change(tensors[row["name"]]).contiguous()
    row["sha256"] = sha256(changed)
    write(path, tensors, about)
    line = f"{path}: {row['name']}: is {tuple(changed.shape)}, {changed.dtype}, its original (1, 12, 12), torch.float32"
    assert faults(results, capsys)[0] == [line]


@pytest.mark.parametrize("defence", ["none", "vote", "threshold"])
def test_a_decision_for_no_class_is_named(defence, results, capsys):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    about["starts"][1]["clean"][defence] = 99
    row = first(about, defence=defence, goal="wrong")
    row["predicted_rounded"] = 3
    write(path, tensors, about)
    named = f"{path}: {defence}, image {about['starts'][1]['id']}: the decision before is not 99"
    assert {named, f"{path}: {row['name']}: the decision in 8 bits is not 3"} <= {*faults(results, capsys)[0]}


def test_an_archive_that_lacks_an_image_is_one_line(results):
    path = results / SHARD.format(0)
    tensors, about = read(path)
    name, *_ = tensors
    del tensors[name]
    write(path, tensors, about)
    with pytest.raises(SpuriousError, match=f"{name} is stored or described, but not both; run attack_defence again"):
        verify.main([str(results)])


def test_a_folder_without_images_of_attacks_is_one_line(tmp_path):
    with pytest.raises(SpuriousError, match="holds no images of attacks"):
        verify.main([str(tmp_path)])


def record_of_two_seeds(results, **own):
    robustness = {"images": 10, "seeds": 2, "shards": 2, "classifiers": {}} | own
    experiment = {"seeds": [3, 4], "robustness": ["linear"]}
    record = {"robustness": robustness, "experiment": experiment, "classifiers": {"linear": SOFTMAX}}
    write_record(results / "tiny", configuration=record)


def test_more_jobs_than_images_are_as_many_as_images():
    """A job without an image would end the run, after all trainings."""
    assert [list(parts({"robustness": {"images": images, "shards": 3}})) for images in (2, 3, 9)] == [
        [0, 1],
        [0, 1, 2],
        [0, 1, 2],
    ]


def test_archives_of_an_earlier_configuration_are_left_out_and_told(results, capsys):
    """The record holds the configuration; there were three shards once, and a third seed."""
    record_of_two_seeds(results)
    left = [results / SHARD.format(2), results / SHARD.format(0).replace("seed3", "seed5")]
    for path in left:
        path.parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(results / SHARD.format(0), path)
    verify.main([str(results)])
    told = capsys.readouterr().err
    assert all(f"{path}: left by an earlier configuration" in told for path in left)
