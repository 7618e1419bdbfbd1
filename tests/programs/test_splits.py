"""Which split decides which file: replace a split, and exactly the files that it decides change.

Each program runs once with the original data and once with each split replaced. The classifiers and found images that
a program reads are those of the original data throughout.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import attack_defence
import backwork_label
import certify_classifier
import fit_classifier
import fool_classifier
import judge_images
import retrain_classifier
import search_scores
import smooth_shard
import train_classifier
import train_denoiser
import train_linear
import transfer_images
from pipeline.files.tensors import read_dataset, write_tensors
from pipeline.files.weights import load_classifier
from spurious.data.datasets import SPLITS
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES, SHAPE = 3, (1, 8, 8)
COUNTS = {"train": 60, "validation": 31, "test": 29}  # no two have a divisor in common: no accuracy below 1 is of both
CNN = {"architecture": "cnn", "channels": [2, 4], "units": 8}
FOREST = {"scikit_learn": "forest", "trees": 10}
ELITES = {"runs": 2, "population": 4, "generations": [2]}
RECIPE = {"learning_rate": 0.03, "batch_size": 16, "steps": 30}
SEARCHES = {"images": 2, "searches": {"cost": {"max_steps": 4}, "free": {"objective": "log_p", "max_steps": 3}}}
WEIGHT_DECAYS = [1e-3, 1.0]


def bands(split: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a band that is a little brighter: its place is the label."""
    labels = torch.arange(COUNTS[split]) % CLASSES
    images = torch.randint(0, 200, (len(labels), *SHAPE), dtype=torch.uint8, generator=generator(split, seed))
    for label in range(CLASSES):
        images[labels == label, :, 3 * label : 3 * label + 2] += 45
    return images, labels


def write_data(path: Path, replaced: str | None = None) -> Path:
    """The three splits, no image twice; the replaced one has other images, and labels by chance."""
    tensors = {}
    for split in SPLITS:
        images, labels = bands(split, seed=split == replaced)
        if split == replaced:
            labels = labels[torch.randperm(len(labels), generator=generator("labels"))]
        tensors |= {f"{split}_images": images, f"{split}_labels": labels}
    write_tensors(path, tensors)
    return path


@dataclass(frozen=True)
class Program:
    """A program with its options beside the data, and for each option that names an output the splits that decide it.

    Paths in the options are relative to the folder of what the original data gave.
    """

    main: Callable[[list[str]], None]
    options: dict[str, object]
    outputs: dict[str, str]

    def run(self, data: Path, folder: Path, **changes: object) -> Path:
        """Write each output into `folder`, named after its option."""
        options = {"data": data, **self.options, **{name: folder / name for name in self.outputs}, **changes}
        self.main([word for name, value in options.items() for word in (f"--{name}", *words(value))])
        return folder


def words(value: object) -> list[str]:
    """An option's value on the command line: a tuple is several words, a dict is JSON."""
    if isinstance(value, tuple):
        return [str(part) for part in value]
    return [json.dumps(value) if isinstance(value, dict) else str(value)]


CNN_FILES = ("cnn0/weights", "cnn1/weights")
ATTACKS = {
    "images": 6,
    "sizes": {"linf": [0.1]},
    "defences": {"threshold": {"kind": "threshold", "coverage": 0.5}},
    "attacks": {"oblivious": {"kind": "oblivious", "steps": 2}},
}
CERTIFICATION = {"images": 6, "sigmas": [2.0], "n0": 5, "n": 50, "defences": {"none": "none"}}
CERTIFICATION |= {"attack": {"images": 6, "steps": 2, "n": 20}}

DENOISER = {"sigma": 0.5, "layers": 2, "channels": 2, "recipes": {"mse": "short", "stability": "short"}}

RETRAINING = {
    "rounds": 2,
    "attacks": ["cost"],
    "strong": {"images": 3, "steps": 5, "restarts": 3, "max_queries": 20},
    "confidence": {"images": 20, "steps": 1},
}
PROGRAMS = {
    "train_classifier": Program(
        train_classifier.main,
        {"classifier": "cnn", "architecture": CNN, "recipe": RECIPE, "seed": 0},
        {"weights": "train", "history": "train validation", "predictions": "train validation test"},
    ),
    "train_denoiser": Program(
        train_denoiser.main,
        {"weights": "cnn0/weights", "entry": CNN, "name": "small", "settings": DENOISER, "recipes": {"short": RECIPE}}
        | {"seed": 0},
        {"output": "train", "history": "train"},
    ),
    "fit_classifier": Program(
        fit_classifier.main,
        {"classifier": "forest", "entry": FOREST, "seed": 0},
        {"model": "train", "predictions": "train validation test"},
    ),
    "train_linear": Program(
        train_linear.main,
        {
            "seed": 0,
            "settings": {"weight_decays": WEIGHT_DECAYS, "learning_rate": 0.1, "batch_size": 20, "epochs": 10}
            | {"step_images": 10, "targets": [0], "pair": [0, 2]},
        },
        {
            "weights": "train",
            "history": "train validation",
            "predictions": "train validation test",
            "steps": "train test",
            "pair": "train validation test",  # the validation split chooses the weight decay
        },
    ),
    "backwork_label": Program(
        backwork_label.main,
        {"classifier": "cnn", "weights": CNN_FILES, "seeds": (0, 1), "label": 1, "settings": SEARCHES},
        {"images": "train", "rows": "train", "trace": "train"},
    ),
    "retrain_classifier": Program(
        retrain_classifier.main,
        {"weights": "cnn0/weights", "control": "cnn1/weights"}
        | {"negatives": "backworked", "target": "uniform", "classifier": "cnn"}
        | {"found": tuple(f"found{label}/images" for label in range(CLASSES))}
        | {"found-rows": tuple(f"found{label}/rows" for label in range(CLASSES))}
        | {"seed": 0, "settings": RETRAINING, "recipe": RECIPE, "searches": SEARCHES},
        {"attacks-rows": "train", "old-rows": "train", "predictions-rows": "train test", "negatives-file": "train"}
        | {"history-rows": "train validation", "negatives-rows": "train"}
        | {"strong-rows": "train test", "strong-file": "train test", "noise-rows": "train test"},
    ),
    "judge_images": Program(
        judge_images.main,
        {"judge": "forest/model", "entry": FOREST, "name": "forest-seed0"}
        | {"images": "strong/strong-file", "strong": "strong/strong-rows"},
        {"rows": "test"},
    ),
    "smooth_shard": Program(
        smooth_shard.main,
        {"weights": "cnn0/weights", "classifier": CNN, "classes": CLASSES}
        | {"settings": {"sigmas": [0, 0.25], "kernels": [5]}},
        {"output": "test"},
    ),
    "fool_classifier": Program(
        fool_classifier.main,
        {"weights": CNN_FILES, "seeds": (0, 1), "classifier": "cnn", "entry": CNN, "classes": CLASSES}
        | {"settings": {"methods": {"fgsm": {"epsilon": 0.1}}, "images": 12, "rubbish": 9}},
        {"rows": "test", "rubbish": "test", "examples": "test"},
    ),
    "transfer_images": Program(
        transfer_images.main,
        {"sources": ("cnn:0=cnn0/weights", "forest:0=forest/model"), "entries": {"cnn": CNN, "forest": FOREST}}
        | {"settings": {"images": 5, "steps": 3, "population": 4, "max_queries": 12}},
        {"rows": "test"},
    ),
    "attack_defence": Program(
        attack_defence.main,
        {"weights": "cnn0/weights", "classifier": "cnn", "entry": CNN, "seed": 0} | {"settings": ATTACKS},
        {"rows": "validation test", "found": "validation test"},
    ),
    "certify_classifier": Program(
        certify_classifier.main,
        {"weights": "cnn0/weights", "classifier": "cnn", "entry": CNN, "settings": CERTIFICATION},
        {"rows": "test", "attacks": "test"},
    ),
    "search_scores": Program(
        search_scores.main,
        {"weights": "forest/model", "classifier": "forest", "entry": FOREST, "seed": 0}
        | {"settings": {"images": 4, "population": 4, "max_queries": 12, "map_elites": ELITES}},
        {"rows": "test", "images": "test", "elites": ""},
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The data, and what the programs read beside them, made of the original data."""
    folder = tmp_path_factory.mktemp("original")
    for name in (None, *SPLITS):
        write_data(folder / f"data-{name}", replaced=name)
    data = folder / "data-None"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for seed in (0, 1):
            PROGRAMS["train_classifier"].run(data, folder / f"cnn{seed}", seed=seed)
        PROGRAMS["fit_classifier"].run(data, folder / "forest")
        for label in range(CLASSES):
            PROGRAMS["backwork_label"].run(data, folder / f"found{label}", label=label)
        PROGRAMS["retrain_classifier"].run(data, folder / "strong")
    return folder


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_split_changes_the_files_that_it_decides_and_no_others(folder, name, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    program = PROGRAMS[name]
    original = program.run(folder / "data-None", tmp_path / "original")
    for split in SPLITS:
        changed = program.run(folder / f"data-{split}", tmp_path / split)
        for output, decided_by in program.outputs.items():
            differs = (changed / output).read_bytes() != (original / output).read_bytes()
            assert differs == (split in decided_by.split()), f"{output}, {split} replaced"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_tells_how_far_it_is_until_all_is_done(folder, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    PROGRAMS[name].run(folder / "data-None", tmp_path)
    shares = re.findall(r"^(.+?): +(\d+)% \d+/\d+ \[.*<", capsys.readouterr().err, re.MULTILINE)
    assert shares
    assert {int(share) for share in dict(shares).values()} == {100}, shares  # the last line of every bar


def test_the_history_of_a_classifier_ends_with_its_validation_accuracy(folder):
    data = load_file(folder / "data-None")
    model = load_classifier(folder / "cnn0/weights", torch.device("cpu"))
    right = {split: model(data[f"{split}_images"] / 255).argmax(1) == data[f"{split}_labels"] for split in SPLITS}
    accuracy = {split: own.double().mean().item() for split, own in right.items()}
    assert len(set(accuracy.values())) == len(SPLITS)
    last = pd.read_csv(folder / "cnn0/history")["validation_accuracy"].iloc[-1]
    assert last == pytest.approx(accuracy["validation"], abs=1e-6)


def test_the_history_of_the_linear_classifiers_ends_with_their_validation_accuracies(folder, tmp_path):
    PROGRAMS["train_linear"].run(folder / "data-None", tmp_path)
    data, trained = load_file(folder / "data-None"), load_file(tmp_path / "weights")
    last = pd.read_csv(tmp_path / "history").groupby("weight_decay", sort=False)["validation_accuracy"].last()
    assert last.index.tolist() == WEIGHT_DECAYS
    for weight, bias, found in zip(trained["weight"], trained["bias"], last, strict=True):
        accuracy = {}
        for split in SPLITS:
            scores = (data[f"{split}_images"][:, None] / 255 * weight).sum((2, 3, 4)) + bias
            accuracy[split] = (scores.argmax(1) == data[f"{split}_labels"]).double().mean().item()
        assert len(set(accuracy.values())) == len(SPLITS)
        assert found == pytest.approx(accuracy["validation"], abs=1e-6)


def test_the_images_of_a_label_are_training_images(folder):
    tensors = load_file(folder / "data-None")
    pairs = list(zip(tensors["train_images"], tensors["train_labels"].tolist(), strict=True))
    for label in range(CLASSES):
        expected = torch.stack([image for image, own in pairs if own == label]) / 255
        assert torch.equal(read_dataset(folder / "data-None").of_label(label), expected)
