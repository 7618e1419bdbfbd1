"""Negatives and their targets, and the scripts that train, attack and retrain, on a tiny dataset."""

import json
import math

import pandas as pd
import pytest
import torch

import backwork_label
import retrain_classifier
import train_classifier
from pipeline.files import checkpoints
from pipeline.files.rows import read_rows
from pipeline.files.tensors import read_dataset, read_tensors, write_tensors
from pipeline.files.weights import load_classifier
from spurious.attacks.map_elites import map_elites
from spurious.attacks.optimization import run_searches
from spurious.attacks.settings import ImageOptimization, MapElites
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.predictions import predict
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet
from spurious.data.datasets import SPLITS
from spurious.experiments.backworking.settings import BackworkingSettings
from spurious.experiments.retraining import rows as arm_rows
from spurious.experiments.retraining.arms import arms as configured_arms
from spurious.experiments.retraining.arms import settings_of
from spurious.experiments.retraining.settings import RetrainingSettings
from spurious.experiments.retraining.training_set import target_classes, with_negatives
from spurious.perturbations.negatives import NEGATIVES
from spurious.registry import parse
from spurious.seeding import generator

CLASSES, SHAPE = 3, (1, 8, 8)
CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


# --- negatives


def real_images():
    return torch.rand(5, 1, 2, 2, generator=generator("real")), torch.tensor([2, 0, 1, 1, 0])


@pytest.mark.parametrize("copies", [1, 3])
def test_negatives_follow_the_images_with_a_uniform_target(copies):
    images, labels = real_images()
    negatives = torch.rand(2, 1, 2, 2, generator=generator("negatives"))
    training_set = with_negatives(images, labels, CLASSES, negatives, "uniform", copies)
    assert torch.equal(training_set.images[:5], images)
    assert torch.equal(training_set.images[5:], torch.cat([negatives] * copies))
    assert training_set.negatives == 2 * copies == len(training_set.images) - 5
    assert training_set.targets.shape == (5 + 2 * copies, CLASSES)
    assert training_set.targets[:5].argmax(1).tolist() == labels.tolist()
    assert set(training_set.targets[:5].flatten().tolist()) == {0, 1}
    assert (training_set.targets[5:] == torch.tensor(1 / 3)).all()
    torch.testing.assert_close(training_set.targets.sum(1), torch.ones(len(training_set.targets)))


def test_an_extra_class_is_the_last():
    images, labels = real_images()
    training_set = with_negatives(images, labels, CLASSES, images[:2], "extra", 2)
    assert training_set.targets[:5].argmax(1).tolist() == labels.tolist()
    assert training_set.targets[5:].tolist() == [[0, 0, 0, 1]] * 4
    assert (training_set.targets.sum(1) == 1).all()


@pytest.mark.parametrize("target", ["none", "uniform", "extra"])
def test_without_negatives_the_images_stay_as_they_are(target):
    images, labels = real_images()
    training_set = with_negatives(images, labels, CLASSES, torch.empty(0, 1, 2, 2), target, 4)
    assert training_set.negatives == 0
    assert torch.equal(training_set.images, images)
    assert training_set.targets.shape == (5, target_classes(CLASSES, target))


def test_only_the_target_extra_needs_one_more_class():
    assert [target_classes(10, target) for target in ("none", "uniform", "extra")] == [10, 10, 11]


def test_uniform_noise_fills_the_unit_interval():
    drawn = NEGATIVES["uniform"](torch.empty(400, 1, 5, 4), generator(0))
    assert drawn.shape == (400, 1, 5, 4)
    assert 0 <= drawn.min() < 0.01 < 0.99 < drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    assert drawn.std().item() == pytest.approx(1 / math.sqrt(12), abs=0.01)


def test_normal_noise_is_clamped():
    drawn = NEGATIVES["normal"](torch.empty(400, 1, 5, 4), generator(0))
    assert drawn.min() == 0
    assert drawn.max() == 1
    assert (drawn == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (drawn == 1).float().mean().item() == pytest.approx(0.1587, abs=0.02)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_noise_depends_on_the_generator_alone(kind):
    first, again, other = (NEGATIVES[kind](torch.empty(3, *SHAPE), generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# --- the scripts

RECIPE = TrainingRecipe(learning_rate=0.05, batch_size=16, steps=30, schedule="one_cycle")
SEARCHES = BackworkingSettings(
    images=2,
    searches={
        "cost": ImageOptimization(max_steps=5),
        "log-p": ImageOptimization(objective="log_p", learning_rate=0.05, max_steps=6),
        "free": ImageOptimization(objective="logit", learning_rate=0.3, max_steps=4, clamp=False, stop_min_p=None),
    },
)
NAMED = {
    "fresh": {"kind": "noise", "share": 0.2},
    "acet": {"kind": "noise", "share": 0.5, "steps": 2},
    "growing": {"kind": "searched", "search": "log-p", "factor": 2},
    "evolved": {"kind": "evolved", "runs": 3, "population": 6, "generations": 4},
}
STRONG = {"images": 2, "steps": 3, "sizes": (1.0,), "objectives": ("log_p",), "restarts": 1, "max_queries": 0}
CONFIDENCE = {"images": 9, "sizes": (0.1, 0.5), "steps": 2}
SETTINGS = RetrainingSettings(
    rounds=2, attacks=("cost", "log-p"), copies=3, negatives=NAMED, strong=STRONG, confidence=CONFIDENCE
)
ARCHITECTURE = json.dumps({"architecture": "cnn", "channels": [2, 4], "units": 8})


TRAINED = {"weights": "weights.safetensors", "history": "history.csv", "predictions": "predictions.csv"}
RETRAINED = {
    "attacks-rows": "attacks.csv",
    "old-rows": "old.csv",
    "predictions-rows": "predictions.csv",
    "negatives-rows": "negatives.csv",
    "history-rows": "history.csv",
    "strong-rows": "strong.csv",
    "noise-rows": "noise.csv",
    "negatives-file": "negatives.safetensors",
    "strong-file": "strong.safetensors",
}


def text(settings):
    dumped = settings.model_dump(mode="json")
    for name, entry in getattr(settings, "negatives", {}).items():
        dumped["negatives"][name] = {"kind": entry.kind, **entry.model_dump(mode="json")}
    return json.dumps(dumped)


def stripes(count, split):
    """Noise with a bright band; its place is the label."""
    labels = torch.arange(count) % CLASSES
    images = torch.randint(0, 120, (count, *SHAPE), dtype=torch.uint8, generator=generator(split))
    for label in range(CLASSES):
        images[labels == label, :, 3 * label : 3 * label + 2] += 130
    return images, labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The dataset, two trained classifiers, and what was found in them for every label."""
    folder = tmp_path_factory.mktemp("tiny")
    tensors = {}
    for split, count in zip(SPLITS, (60, 15, 21), strict=True):
        tensors[f"{split}_images"], tensors[f"{split}_labels"] = stripes(count, split)
    write_tensors(folder / "data.safetensors", tensors)
    for seed in (0, 1):
        train(folder, folder / f"seed{seed}", seed)
    for label in range(CLASSES):
        backwork(folder, folder / "found", label)
    return folder


def train(folder, out, seed):
    files = {name: str(out / file) for name, file in TRAINED.items()}
    arguments = ["--data", str(folder / "data.safetensors"), "--classifier", "cnn", "--architecture", ARCHITECTURE]
    arguments += ["--recipe", text(RECIPE), "--seed", str(seed)]
    train_classifier.main(arguments + [part for name, file in files.items() for part in (f"--{name}", file)])


def backwork(folder, out, label):
    arguments = ["--data", str(folder / "data.safetensors"), "--classifier", "cnn", "--label", str(label)]
    arguments += ["--weights", *(str(folder / f"seed{seed}/weights.safetensors") for seed in (0, 1))]
    arguments += ["--seeds", "0", "1", "--settings", text(SEARCHES)]
    arguments += ["--images", str(out / f"label{label}.safetensors"), "--rows", str(out / f"label{label}.csv")]
    backwork_label.main([*arguments, "--trace", str(out / f"label{label}_trace.csv")])


def retrain(folder, out, negatives, target, settings=SETTINGS, seed=0):
    arguments = ["--data", str(folder / "data.safetensors"), "--classifier", "cnn"]
    arguments += ["--weights", str(folder / f"seed{seed}/weights.safetensors")]
    arguments += ["--control", str(folder / f"seed{1 - seed}/weights.safetensors")]
    arguments += ["--found", *(str(folder / f"found/label{label}.safetensors") for label in range(CLASSES))]
    arguments += ["--found-rows", *(str(folder / f"found/label{label}.csv") for label in range(CLASSES))]
    arguments += ["--negatives", negatives, "--target", target, "--seed", str(seed)]
    arguments += ["--settings", text(settings), "--recipe", text(RECIPE), "--searches", text(SEARCHES)]
    for name, file in RETRAINED.items():
        arguments += [f"--{name}", str(out / file)]
    retrain_classifier.main(arguments)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def new_trainer(classes, training_set, seed):
    """What the scripts train with, built from the library."""
    description = parse(Description, {"image_shape": SHAPE, "classes": classes, **json.loads(ARCHITECTURE)})
    return Trainer(build_classifier(description), training_set, RECIPE, seed=seed)


def targets_of(data):
    return torch.eye(CLASSES)[data.labels["train"]]


def same_weights(model, other):
    own, others = model.state_dict(), other.state_dict()
    return own.keys() == others.keys() and all(torch.equal(value, others[name]) for name, value in own.items())


def retrained(folder, negatives, target, seed, named=None):
    """The classifier of round 1 of an arm, trained by the library on the arm's negatives of that round."""
    data = read_dataset(folder / "data.safetensors")
    images, labels = data.pixels("train"), data.labels["train"]
    training_set = with_negatives(images, labels, CLASSES, negatives, target, SETTINGS.copies, named)
    trainer = new_trainer(target_classes(CLASSES, target), training_set, f"{seed}, round 1")
    list(trainer.run())
    return trainer.model.eval()


# train_classifier.py


def test_training_writes_its_files_and_nothing_else(folder):
    assert sorted(contents(folder / "seed0")) == sorted(TRAINED.values())
    history = read_rows([folder / "seed0/history.csv"])
    progress = ["step", "learning_rate", "loss", "negative_loss", "validation_accuracy"]
    assert list(history.columns) == [*progress, "device", "precision"]
    assert set(zip(history["device"], history["precision"], strict=True)) == {("cpu", "float32")}
    assert history["step"].tolist() == list(range(3, 31, 3))
    data = read_dataset(folder / "data.safetensors")
    trainer = new_trainer(CLASSES, TrainingSet(images=data.pixels("train"), targets=targets_of(data)), 0)
    expected = pd.DataFrame(trainer.run(validation=(data.pixels("validation"), data.labels["validation"])))
    pd.testing.assert_frame_equal(history[progress], expected, rtol=1e-6)
    assert same_weights(trainer.model, load_classifier(folder / "seed0/weights.safetensors", CPU))


def test_predictions_are_those_of_the_stored_classifier(folder):
    rows = read_rows([folder / "seed1/predictions.csv"])
    expected = ["classifier", "seed", "split", "id", "label", "predicted", "probability", "p_label"]
    assert list(rows.columns) == expected
    assert rows["split"].value_counts().to_dict() == {"train": 60, "validation": 15, "test": 21}
    assert set(rows["classifier"]) == {"cnn"}
    assert set(rows["seed"]) == {1}
    model, data = load_classifier(folder / "seed1/weights.safetensors", CPU), read_dataset(folder / "data.safetensors")
    for split, part in rows.groupby("split"):
        probabilities, labels = predict(model, data.pixels(split)), data.labels[split]
        assert part["id"].tolist() == list(range(len(labels)))
        assert part["label"].tolist() == labels.tolist()
        assert part["predicted"].tolist() == probabilities.argmax(1).tolist()
        assert part["probability"].tolist() == pytest.approx(probabilities.amax(1).tolist(), rel=1e-6)
        assert part["p_label"].tolist() == pytest.approx(probabilities[range(len(labels)), labels].tolist(), rel=1e-6)
    assert (rows["predicted"] == rows["label"]).mean() > 0.9


def test_training_twice_gives_the_same_files_and_another_seed_others(folder, tmp_path):
    train(folder, tmp_path, 0)
    assert contents(tmp_path) == contents(folder / "seed0")
    assert contents(folder / "seed1")["weights.safetensors"] != contents(tmp_path)["weights.safetensors"]


def test_a_killed_training_continues_to_the_same_files(folder, tmp_path, monkeypatch):
    def killed_at_row_4(*arguments):
        write_tensors(*arguments)
        if int(arguments[1]["step"]) == 12:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_tensors", killed_at_row_4)
        with pytest.raises(KeyboardInterrupt):
            train(folder, tmp_path, 0)
    assert list(contents(tmp_path)) == ["checkpoint.safetensors"]
    train(folder, tmp_path, 0)
    assert contents(tmp_path) == contents(folder / "seed0")


# backwork_label.py


def test_backworking_writes_images_rows_and_trace(folder):
    rows, trace = (read_rows([folder / f"found/label2{name}.csv"]) for name in ("", "_trace"))
    tensors, _ = read_tensors(folder / "found/label2.safetensors")
    assert set(tensors) == {f"{search}/seed{seed}" for search in SEARCHES.searches for seed in (0, 1)}
    assert all(images.shape == (2, *SHAPE) and images.dtype == torch.float32 for images in tensors.values())
    expected = ["classifier", "seed", "label", "search", "image", "steps", "reinitialized", "predicted", "p"]
    assert list(rows.columns) == expected
    assert len(rows) == 2 * 2 * 4  # seeds, images, and the unclamped search in two versions
    assert list(trace.columns) == ["classifier", "seed", "label", "search", "step", "image", "p"]
    assert set(rows["label"]) == set(trace["label"]) == {2}
    for (seed, search), part in rows.groupby(["seed", "search"]):
        stored = tensors[f"{search.removesuffix(', clamped')}/seed{seed}"]
        images = stored.clamp(0, 1) if search.endswith("clamped") else stored
        model = load_classifier(folder / f"seed{seed}/weights.safetensors", CPU)
        assert part["p"].tolist() == pytest.approx(predict(model, images)[:, 2].tolist(), rel=1e-5)
        assert (stored == stored.clamp(0, 1)).all() == (not search.startswith("free"))
    last = trace.merge(rows, left_on=["seed", "search", "image", "step"], right_on=["seed", "search", "image", "steps"])
    assert len(last) == 2 * 2 * 3
    assert last["p_x"].tolist() == pytest.approx(last["p_y"].tolist(), abs=1e-5)
    for _, part in trace.groupby(["seed", "search", "image"]):
        assert part["step"].tolist() == list(range(len(part)))


def test_backworking_twice_gives_the_same_files(folder, tmp_path):
    backwork(folder, tmp_path, 2)
    expected = {name: content for name, content in contents(folder / "found").items() if name.startswith("label2")}
    assert contents(tmp_path) == expected


# retrain_classifier.py

ARMS = [
    ("none", "none"),
    ("uniform", "uniform"),
    ("normal", "extra"),
    ("backworked", "uniform"),
    ("backworked", "extra"),
    ("backworked-log-p", "uniform"),
]
IDENTIFICATION = ["classifier", "negatives", "target", "round", "seed"]


def search_of(arm):
    """The search whose images an arm looks at."""
    return "log-p" if arm[0].endswith("log-p") else "cost"


@pytest.fixture(scope="module")
def arms(folder):
    for negatives, target in ARMS:
        retrain(folder, folder / f"{negatives}-{target}", negatives, target)
    return {arm: folder / "-".join(arm) for arm in ARMS}


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_writes_its_files_and_columns(arms, arm):
    assert sorted(contents(arms[arm])) == sorted(RETRAINED.values())
    attacks, old, predictions = (read_rows([arms[arm] / f"{name}.csv"]) for name in ("attacks", "old", "predictions"))
    found = ["attack", "label", "image", "steps", "reinitialized", "predicted", "p"]
    assert set(attacks.columns) == {*IDENTIFICATION, *found}
    assert list(old.columns) == [*IDENTIFICATION, "run", "judge", "label", "image", "predicted", "p"]
    assert list(predictions.columns) == [*IDENTIFICATION, "id", "label", "predicted", "probability"]
    for rows in (attacks, old, predictions):
        assert set(zip(rows["negatives"], rows["target"], rows["seed"], strict=True)) == {(*arm, 0)}
        assert not rows.isna().any(axis=None)
    rounds = {0, 1, 2} if arm[0] == "none" else {1, 2}
    assert set(attacks["round"]) == set(predictions["round"]) == rounds
    assert set(old["round"]) == {1, 2}
    assert len(attacks) == len(rounds) * 2 * CLASSES * 2  # rounds, attacks, labels, images
    assert len(predictions) == len(rounds) * 21
    assert len(old) == 2 * 2 * 2 * CLASSES * 2  # rounds, runs, judges, labels, images
    for rows, keys in (
        (attacks, ["round", "attack", "label", "image"]),
        (old, ["round", "run", "judge", "label", "image"]),
    ):
        assert not rows.duplicated(keys).any()


def test_round_0_is_what_was_known_before(folder, arms):
    attacks, predictions = (read_rows([arms["none", "none"] / f"{name}.csv"]) for name in ("attacks", "predictions"))
    before = read_rows([folder / f"found/label{label}.csv" for label in range(CLASSES)])
    kept = before[(before["seed"] == 0) & before["search"].isin(["cost", "log-p"])]
    columns = ["label", "image", "steps", "reinitialized", "predicted", "p"]
    assert attacks[attacks["round"] == 0][columns].values.tolist() == kept[columns].values.tolist()
    trained = read_rows([folder / "seed0/predictions.csv"]).query("split == 'test'")
    predictions = predictions[predictions["round"] == 0]
    for name in ("id", "label", "predicted"):
        assert predictions[name].tolist() == trained[name].tolist()
    assert predictions["probability"].tolist() == pytest.approx(trained["probability"].tolist(), rel=1e-5)


def test_an_arm_keeps_the_history_of_each_round(folder, arms):
    history = read_rows([arms["none", "none"] / "history.csv"])
    trained = read_rows([folder / "seed0/history.csv"])
    assert list(history.columns) == [*IDENTIFICATION, *trained.columns]
    assert history["round"].value_counts().to_dict() == {1: len(trained), 2: len(trained)}
    assert set(zip(history["device"], history["precision"], strict=True)) == {("cpu", "float32")}
    of_one = history[history["round"] == 1].drop(columns="negative_loss")  # there are no negatives
    assert of_one["step"].tolist() == trained["step"].tolist()
    assert not of_one.isna().any(axis=None)


def test_an_arm_is_attacked_without_giving_up(folder, arms):
    path = arms["none", "none"]
    rows, images = read_rows([path / "strong.csv"]), read_tensors(path / "strong.safetensors")[0]
    assert rows.groupby("round").size().to_dict() == {0: 6, 1: 6, 2: 6}
    data = read_dataset(folder / "data.safetensors")
    models = {"": "seed0", "control_": "seed1"}
    labels = torch.arange(CLASSES).repeat_interleave(2)
    for prefix, name in models.items():
        model, own = load_classifier(folder / f"{name}/weights.safetensors", CPU), rows[rows["round"] == 0]
        p = predict(model, images["round0"])[range(6), labels]
        assert own[f"{prefix}p"].tolist() == pytest.approx(p.tolist(), rel=1e-5)
    nearest = [min((image - other).norm().item() for other in data.pixels("train")) for image in images["round1"]]
    assert rows[rows["round"] == 1]["distance"].tolist() == pytest.approx(nearest, rel=1e-4)
    assert rows["passes"].tolist() == [0] * 6 + [30 * 16] * 12


def test_the_confidence_in_noise_is_that_of_real_classes(folder, arms):
    path = arms["backworked", "extra"]
    rows = read_rows([path / "noise.csv"]).query("round == 1")
    sizes = {(name, 0.0) for name in ("test", "uniform", "permuted", "low-passed", "photographs")}
    assert set(zip(rows["noise"], rows["epsilon"], strict=True)) == sizes | {("adversarial", 0.1), ("adversarial", 0.5)}
    negatives = read_tensors(path / "negatives.safetensors")[0]["negatives"][:6]
    model, data = retrained(folder, negatives, "extra", 0), read_dataset(folder / "data.safetensors")
    expected = predict(model, data.pixels("test")[:9])[:, :CLASSES].amax(1)
    assert rows[rows["noise"] == "test"]["confidence"].tolist() == pytest.approx(expected.tolist(), rel=1e-5)


@pytest.mark.parametrize("arm", ARMS)
def test_old_images_are_judged_by_the_control(folder, arms, arm):
    """In round 1 they are what the arm's search found; the control is the classifier of the other seed."""
    old = read_rows([arms[arm] / "old.csv"]).query("run == 'first' and round == 1 and judge == 'control'")
    control = load_classifier(folder / "seed1/weights.safetensors", CPU)
    for label, part in old.groupby("label"):
        images = read_tensors(folder / f"found/label{label}.safetensors")[0][f"{search_of(arm)}/seed0"]
        probabilities = predict(control, images)
        assert part["p"].tolist() == pytest.approx(probabilities[:, label].tolist(), rel=1e-5)
        assert part["predicted"].tolist() == probabilities.argmax(1).tolist()


@pytest.mark.parametrize("arm", ARMS)
def test_the_retrained_classifier_judges_for_itself(folder, arms, arm):
    """In round 1, where the classifier can be trained again from what is stored."""
    negatives = read_tensors(arms[arm] / "negatives.safetensors")[0]["negatives"][:6]
    model = retrained(folder, negatives, arm[1], 0)
    old = read_rows([arms[arm] / "old.csv"]).query("run == 'first' and round == 1 and judge == 'retrained'")
    assert set(old["label"]) == set(range(CLASSES))
    for label, part in old.groupby("label"):
        images = read_tensors(folder / f"found/label{label}.safetensors")[0][f"{search_of(arm)}/seed0"]
        probabilities = predict(model, images)
        assert part["p"].tolist() == pytest.approx(probabilities[:, label].tolist(), rel=1e-5)
        assert part["predicted"].tolist() == probabilities.argmax(1).tolist()


@pytest.mark.parametrize("arm", [("none", "none"), ("uniform", "uniform"), ("backworked", "extra")])
def test_another_seed_has_its_own_classifier_found_images_and_training(folder, tmp_path, arm):
    retrain(folder, tmp_path, *arm, settings=SETTINGS.changed(rounds=1), seed=1)
    attacks, old, predictions = (read_rows([tmp_path / f"{name}.csv"]) for name in ("attacks", "old", "predictions"))
    assert set(attacks["seed"]) == set(old["seed"]) == set(predictions["seed"]) == {1}
    found = [read_tensors(folder / f"found/label{label}.safetensors")[0]["cost/seed1"] for label in range(CLASSES)]
    negatives = read_tensors(tmp_path / "negatives.safetensors")[0]["negatives"]
    expected = {"none": torch.empty(0, *SHAPE), "backworked": torch.cat(found)}
    expected["uniform"] = NEGATIVES["uniform"](torch.empty(6, *SHAPE), generator(1, "uniform", 1))
    assert torch.equal(negatives, expected[arm[0]])
    model, data = retrained(folder, negatives, arm[1], 1), read_dataset(folder / "data.safetensors")
    p = predict(model, data.pixels("test")).amax(1).tolist()
    assert predictions.query("round == 1")["probability"].tolist() == pytest.approx(p, rel=1e-5)
    control = load_classifier(folder / "seed0/weights.safetensors", CPU)
    for judge, by in (("retrained", model), ("control", control)):
        p = [value for label, images in enumerate(found) for value in predict(by, images)[:, label].tolist()]
        own = (old["run"] == "first") & (old["judge"] == judge)
        assert old[own]["p"].tolist() == pytest.approx(p, rel=1e-5)
    for label in range(CLASSES):
        searches = {name: SEARCHES.searches[name] for name in SETTINGS.attacks}
        again = run_searches(model, label, data.of_label(label), searches, images=2, seed="1, round 1")
        rows = attacks[(attacks["round"] == 1) & (attacks["label"] == label)]
        p = [value for result in again.values() for value in predict(model, result.images)[:, label].tolist()]
        assert rows["p"].tolist() == pytest.approx(p, rel=1e-5)


def test_round_0_of_another_seed_is_of_that_seed(folder, tmp_path):
    retrain(folder, tmp_path, "none", "none", settings=SETTINGS.changed(rounds=1), seed=1)
    attacks, predictions = (
        read_rows([tmp_path / f"{name}.csv"]).query("round == 0") for name in ("attacks", "predictions")
    )
    before = read_rows([folder / f"found/label{label}.csv" for label in range(CLASSES)])
    assert (
        attacks["p"].tolist() == before[(before["seed"] == 1) & before["search"].isin(["cost", "log-p"])]["p"].tolist()
    )
    trained = read_rows([folder / "seed1/predictions.csv"]).query("split == 'test'")
    assert predictions["probability"].tolist() == pytest.approx(trained["probability"].tolist(), rel=1e-5)


def test_the_negatives_of_every_arm(folder, arms):
    negatives = {arm: read_tensors(path / "negatives.safetensors")[0]["negatives"] for arm, path in arms.items()}
    found = [read_tensors(folder / f"found/label{label}.safetensors")[0]["cost/seed0"] for label in range(CLASSES)]
    assert negatives["none", "none"].shape == (0, *SHAPE)
    for arm in ARMS[1:]:
        assert negatives[arm].shape == (2 * 2 * CLASSES, *SHAPE)  # rounds, images, labels
        assert 0 <= negatives[arm].min() <= negatives[arm].max() <= 1
        assert not torch.equal(negatives[arm][:6], negatives[arm][6:])
    for target in ("uniform", "extra"):
        assert torch.equal(negatives["backworked", target][:6], torch.cat(found))
    assert (negatives["normal", "extra"] == 0).float().mean() > 0.4


def test_the_negatives_of_another_search_are_what_that_search_found(folder, arms):
    path = arms["backworked-log-p", "uniform"]
    negatives = read_tensors(path / "negatives.safetensors")[0]["negatives"]
    found = [read_tensors(folder / f"found/label{label}.safetensors")[0] for label in range(CLASSES)]
    assert torch.equal(negatives[:6], torch.cat([tensors["log-p/seed0"] for tensors in found]))
    assert not torch.equal(negatives[:6], torch.cat([tensors["cost/seed0"] for tensors in found]))


@pytest.mark.parametrize("arm", ARMS[1:])
def test_negatives_are_judged_by_the_classifier_of_the_round_before(folder, arms, arm):
    """Searched ones by the p of their label, noise by its highest p of a real class: an extra one is not fooled."""
    rows = read_rows([arms[arm] / "negatives.csv"])
    assert list(rows.columns) == [*IDENTIFICATION, "image", "label", "predicted", "p"]
    negatives = read_tensors(arms[arm] / "negatives.safetensors")[0]["negatives"]
    first = retrained(folder, negatives[:6], arm[1], 0)
    before = {1: load_classifier(folder / "seed0/weights.safetensors", CPU), 2: first}
    for number, images in enumerate(negatives.split(6), 1):
        own, probabilities = rows[rows["round"] == number], predict(before[number], images)
        highest = probabilities[:, :CLASSES].argmax(1)
        label = torch.tensor([0, 0, 1, 1, 2, 2]) if arm[0].startswith("backworked") else highest
        assert own["label"].tolist() == label.tolist()
        assert own["predicted"].tolist() == probabilities.argmax(1).tolist()
        assert own["p"].tolist() == pytest.approx(probabilities[range(6), label].tolist(), rel=1e-5)
    assert read_rows([arms["none", "none"] / "negatives.csv"]).empty


@pytest.mark.parametrize("arm", [("none", "none"), ("backworked", "uniform"), ("backworked-log-p", "uniform")])
def test_held_out_images_are_of_a_second_run_that_no_training_sees(folder, arms, arm):
    """The same search of the classifier of the round before, from other starts than those of the negatives."""
    before, data = load_classifier(folder / "seed0/weights.safetensors", CPU), read_dataset(folder / "data.safetensors")
    control = load_classifier(folder / "seed1/weights.safetensors", CPU)
    negatives = read_tensors(arms[arm] / "negatives.safetensors")[0]["negatives"]
    old = read_rows([arms[arm] / "old.csv"]).query("run == 'second' and round == 1")
    model, name = retrained(folder, negatives[:6], arm[1], 0), search_of(arm)
    for label in range(CLASSES):
        searches = {name: SEARCHES.searches[name]}
        again = run_searches(before, label, data.of_label(label), searches, images=2, seed="0, round 0, held out")[
            name
        ].images
        for judge, by in (("retrained", model), ("control", control)):
            p = old[(old["judge"] == judge) & (old["label"] == label)]["p"].tolist()
            assert p == pytest.approx(predict(by, again)[:, label].tolist(), rel=1e-5)
        assert not any(torch.equal(image, seen) for image in again for seen in negatives)


def test_what_an_attack_without_clamp_finds_is_clamped_before_it_is_a_negative(folder, tmp_path):
    settings = SETTINGS.changed(attacks=("free", "cost"))
    retrain(folder, tmp_path, "backworked", "uniform", settings=settings)
    negatives = read_tensors(tmp_path / "negatives.safetensors")[0]["negatives"]
    found = torch.cat(
        [read_tensors(folder / f"found/label{label}.safetensors")[0]["free/seed0"] for label in range(CLASSES)]
    )
    assert found.min() < 0
    assert found.max() > 1
    assert torch.equal(negatives[:6], found.clamp(0, 1))
    assert 0 == negatives[6:].min() < negatives[6:].max() == 1


def test_the_negatives_of_round_2_are_what_was_found_in_round_1(folder, arms):
    """They are judged in round 2 by the control, whose p of them can be computed again."""
    path = arms["backworked", "uniform"]
    second = read_tensors(path / "negatives.safetensors")[0]["negatives"][6:].split(2)
    control = load_classifier(folder / "seed1/weights.safetensors", CPU)
    old = read_rows([path / "old.csv"]).query("run == 'first' and round == 2 and judge == 'control'")
    for label, images in enumerate(second):
        p = old[old["label"] == label]["p"].tolist()
        assert p == pytest.approx(predict(control, images)[:, label].tolist(), rel=1e-5)


def test_an_extra_class_changes_the_probabilities_of_the_others(arms):
    """What is judged has one output more, and old negatives are given to it."""
    old = read_rows([arms["backworked", "extra"] / "old.csv"])
    retrained = old[old["judge"] == "retrained"]
    assert (retrained["predicted"] == CLASSES).any()
    assert (old[old["judge"] == "control"]["predicted"] < CLASSES).all()


def test_growing_negatives_are_searched_in_the_classifier_of_the_round_before(folder, tmp_path):
    retrain(folder, tmp_path, "growing", "uniform")
    rows = read_rows([tmp_path / "negatives.csv"])
    assert rows.groupby(["round", "label"]).size().to_dict() == {
        (number, label): 2 * 2**number for number in (1, 2) for label in range(CLASSES)
    }
    negatives, data = (
        read_tensors(tmp_path / "negatives.safetensors")[0]["negatives"],
        read_dataset(folder / "data.safetensors"),
    )
    before = {1: load_classifier(folder / "seed0/weights.safetensors", CPU)}
    before[2] = retrained(folder, negatives[:12], "uniform", 0)
    search = {"log-p": SEARCHES.searches["log-p"]}
    for number, own in ((1, negatives[:12].split(4)), (2, negatives[12:].split(8))):
        for label, images in enumerate(own):
            seed = f"0, round {number - 1}, negatives"
            again = run_searches(before[number], label, data.of_label(label), search, images=len(images), seed=seed)
            torch.testing.assert_close(images, again["log-p"].images.clamp(0, 1))


def test_evolved_negatives_are_the_elites_of_the_real_classes_in_the_net_of_the_round_before(folder, tmp_path):
    """Seen by MAP-Elites itself: an image of each class from every run, class by class."""
    retrain(folder, tmp_path, "evolved", "extra")
    rows = read_rows([tmp_path / "negatives.csv"])
    assert rows["label"].tolist() == 2 * [label for label in range(CLASSES) for _ in range(3)]
    negatives = read_tensors(tmp_path / "negatives.safetensors")[0]["negatives"]
    first, second = negatives.split(3 * CLASSES)
    before = [load_classifier(folder / "seed0/weights.safetensors", CPU), retrained(folder, first, "extra", 0)]
    for number, (model, images) in enumerate(zip(before, (first, second), strict=True)):
        for run in range(3):
            again = map_elites(
                lambda images, model=model: predict(model, images)[:, :CLASSES],
                SHAPE,
                MapElites(population=6, generations=(4,)),
                f"0, round {number}, negatives, run {run}",
            )
            torch.testing.assert_close(images[run::3], next(again)[1])
    judged = predict(before[1], second).gather(1, torch.arange(CLASSES).repeat_interleave(3)[:, None])[:, 0]
    assert rows.query("round == 2")["p"].tolist() == pytest.approx(judged.tolist(), rel=1e-4)


@pytest.mark.parametrize("arm", [("fresh", "uniform"), ("acet", "extra")])
def test_an_arm_of_fresh_noise_has_one_round_and_keeps_no_negatives(folder, tmp_path, arm):
    retrain(folder, tmp_path, *arm)
    assert len(read_tensors(tmp_path / "negatives.safetensors")[0]["negatives"]) == 0
    assert read_rows([tmp_path / "negatives.csv"]).empty
    attacks, old = (read_rows([tmp_path / f"{name}.csv"]) for name in ("attacks", "old"))
    assert set(attacks["round"]) == {1}
    model = retrained(folder, torch.empty(0, *SHAPE), arm[1], 0, SETTINGS.negatives[arm[0]])
    images = read_tensors(folder / "found/label1.safetensors")[0]["cost/seed0"]
    own = old.query("run == 'first' and judge == 'retrained' and label == 1")
    assert own["p"].tolist() == pytest.approx(predict(model, images)[:, 1].tolist(), rel=1e-5)
    assert not read_rows([tmp_path / "history.csv"])["negative_loss"].isna().any()


@pytest.mark.parametrize("arm", [("none", "none"), ("backworked", "uniform")])
def test_retraining_twice_gives_the_same_files(folder, arms, tmp_path, arm):
    retrain(folder, tmp_path, *arm)
    assert contents(tmp_path) == contents(arms[arm])


@pytest.mark.parametrize("round_killed", [1, 2])
@pytest.mark.parametrize("arm", [("none", "none"), ("backworked", "extra")])
def test_an_arm_killed_in_an_attack_gives_the_same_files(folder, arms, tmp_path, monkeypatch, round_killed, arm):
    run_searches, steps = arm_rows.run_searches, []

    def killed(model, label, *arguments, seed, **others):
        if seed == f"0, round {round_killed}" and label == 1:
            raise KeyboardInterrupt
        return run_searches(model, label, *arguments, seed=seed, **others)

    with monkeypatch.context() as patch:
        patch.setattr(arm_rows, "run_searches", killed)
        with pytest.raises(KeyboardInterrupt):
            retrain(folder, tmp_path, *arm)
    left = [f"round{number}.checkpoint.safetensors" for number in range(1, round_killed + 1)]
    assert sorted(contents(tmp_path)) == left
    step = arm_rows.Trainer._train_step
    monkeypatch.setattr(arm_rows.Trainer, "_train_step", lambda self: steps.append(1) or step(self))
    retrain(folder, tmp_path, *arm)
    assert len(steps) == (2 - round_killed) * RECIPE.steps, "finished trainings are not repeated"
    assert contents(tmp_path) == contents(arms[arm])


def test_an_arm_killed_in_training_gives_the_same_files(folder, arms, tmp_path, monkeypatch):
    written = []

    def killed(*arguments):
        write_tensors(*arguments)
        written.append(1)
        if len(written) == 14:  # the fourth row of the second round
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_tensors", killed)
        with pytest.raises(KeyboardInterrupt):
            retrain(folder, tmp_path, "backworked", "extra")
    retrain(folder, tmp_path, "backworked", "extra")
    assert contents(tmp_path) == contents(arms["backworked", "extra"])


def test_fewer_rounds_are_the_beginning_of_more(folder, arms, tmp_path):
    arm = ("backworked", "uniform")
    retrain(folder, tmp_path, *arm, settings=SETTINGS.changed(rounds=1))
    for name in ("attacks", "old", "predictions"):
        first = read_rows([arms[arm] / f"{name}.csv"]).query("round == 1").reset_index(drop=True)
        pd.testing.assert_frame_equal(read_rows([tmp_path / f"{name}.csv"]), first)


# --- which arms


CONFIGURED = {
    "experiment": {"retraining": ["cnn", "other"]},
    "retraining": {
        "rounds": 2,
        "recipe": "fast",
        "arms": [{"negatives": "none", "target": "none"}],
        "classifiers": {"other": {"rounds": 1, "recipe": None, "arms": [{"negatives": "normal", "target": "extra"}]}},
    },
}


def test_a_classifier_has_its_own_settings_where_they_are_given():
    assert settings_of(CONFIGURED, "cnn") == {
        key: value for key, value in CONFIGURED["retraining"].items() if key != "classifiers"
    }
    own = settings_of(CONFIGURED, "other")
    assert (own["rounds"], own["recipe"]) == (1, "fast")
    assert configured_arms(CONFIGURED) == [
        {"classifier": "cnn", "negatives": "none", "target": "none"},
        {"classifier": "other", "negatives": "normal", "target": "extra"},
    ]
