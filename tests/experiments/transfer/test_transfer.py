"""Which images are fooled, by what, and that every judge's rows are its own judgement."""

import argparse
import json

import pandas as pd
import pytest
import torch

import transfer_images
from blobs import blobs
from pipeline.files import estimators
from pipeline.files.tensors import write_tensors
from pipeline.files.weights import write_weights
from pipeline.jobs.arguments import EXTENSIONS, named_settings_argument
from spurious.attacks.entries import GradientAttack
from spurious.attacks.evolution import Budget, Goal, ball, evolve
from spurious.attacks.gradient import fool
from spurious.attacks.scores import first_right
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.scikit_learn import fit, scores_of
from spurious.errors import SpuriousError
from spurious.experiments.black_box.settings import BlackBoxSettings
from spurious.experiments.transfer.rows import fooling_images, transfer_rows
from spurious.experiments.transfer.settings import TransferSettings
from spurious.perturbations.balls import random_perturbation
from spurious.registry import parse

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = TransferSettings(images=8, epsilon=0.3, steps=5, population=6, max_queries=60)
FOREST = {"scikit_learn": "forest", "trees": 10}


def rows_decide(strength=1.0):
    """A softmax regression that gives an image to the class of its brightest row."""
    model = build_classifier(Description(architecture="softmax", image_shape=(1, 4, 4), classes=3))
    model.out.weight.data.zero_()
    model.out.bias.data.zero_()
    for label in range(3):
        model.out.weight.data[label, 4 * label : 4 * label + 4] = strength
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def classifiers():
    pixels, labels = blobs()
    return {
        ("softmax", 0): rows_decide(),
        ("softmax", 1): rows_decide(0.5),
        ("forest", 0): fit(parse(ClassifierEntry, FOREST), pixels, labels, 0),
    }


@pytest.fixture(scope="module")
def tested():
    return blobs(90, seed=5)


def labels_as_scores(labels):
    """A judge that knows the answers, by the place in the first pixel."""
    return lambda images: torch.eye(3)[labels[images[:, 0, 0, 0].long()]]


def test_the_first_that_all_get_right_are_taken():
    labels = torch.arange(40) % 3
    images = torch.arange(40.0).view(40, 1, 1, 1)
    first, second = labels.clone(), labels.clone()
    first[[0, 5, 6]] += 1
    second[[2, 6, 9]] += 1
    judges = [labels_as_scores(guess % 3) for guess in (first, second)]
    assert first_right(judges, images, labels, 6) == ([1, 3, 4, 7, 8, 10], 11)
    assert first_right(judges, images, labels, 1) == ([1], 2)
    everything, looked_at = first_right(judges, images, labels, 100)
    assert len(everything) == 35
    assert looked_at == 40
    assert first_right([labels_as_scores((labels + 1) % 3)], images, labels, 3) == ([], 40)


def test_rows_are_what_each_judge_says(classifiers, tested):
    images, labels = tested
    rows = transfer_rows(classifiers, images, labels, SETTINGS)
    assert len(rows) == 3 * 3 * 8
    ids = rows["id"].unique().tolist()
    chosen, truth = images[ids], labels[ids]
    control = random_perturbation(chosen, ids, GradientAttack(epsilon=0.3), "transfer control")
    assert ((control - chosen).abs() <= 0.3 + 1e-6).all()
    for (source, seed), classifier in classifiers.items():
        made, queries = fooling_images(classifier, chosen, truth, SETTINGS, ids, seed)
        assert (made - chosen).abs().max() <= 0.3 + 1e-6
        assert made.min() >= 0
        assert made.max() <= 1
        for (judge, judge_seed), other in classifiers.items():
            own = rows[(rows["source"] == source) & (rows["source_seed"] == seed)]
            own = own[(own["judge"] == judge) & (own["judge_seed"] == judge_seed)]
            assert own["label"].tolist() == truth.tolist()
            assert own["queries"].tolist() == queries.tolist() == [60 if source == "forest" else 6] * 8
            assert own["predicted"].tolist() == scores_of(other)(made).argmax(1).tolist()
            assert own["control_predicted"].tolist() == scores_of(other)(control).argmax(1).tolist()
            assert own["fooled_source"].tolist() == (scores_of(classifier)(made).argmax(1) != truth).tolist()
    assert rows["fooled_source"].any()
    assert (rows["looked_at"] == max(ids) + 1).all()


def test_it_tells_of_the_queries_of_all_sources(classifiers, tested):
    told = []
    rows = transfer_rows(classifiers, *tested, SETTINGS, lambda done, total: told.append((done, total)))
    own = rows[(rows["source"] == rows["judge"]) & (rows["source_seed"] == rows["judge_seed"])]
    assert {total for _, total in told} == {own["queries"].sum()} == {sum(done for done, _ in told)}
    assert len(told) > len(classifiers)


def test_networks_are_fooled_by_the_gradient_and_forests_by_evolution(classifiers, tested):
    images, labels = tested[0][:5], tested[1][:5]
    ids = list(range(5))
    method = GradientAttack(epsilon=0.3, steps=5)
    network, forest = classifiers["softmax", 0], classifiers["forest", 0]
    expected = fool(network, images, labels, method, ids=ids, seed=0)
    assert torch.equal(fooling_images(network, images, labels, SETTINGS, ids, 0)[0], expected)
    budget = Budget(population=6, max_queries=60, mutation_rate=BlackBoxSettings().mutation_rate)
    goal = Goal(classes=labels, kind="untargeted")
    expected = evolve(scores_of(forest), ball(images, 0.3), goal, ids, budget, seed=0, whole_budget=True).images
    assert torch.equal(fooling_images(forest, images, labels, SETTINGS, ids, 0)[0], expected)


def test_evolution_goes_on_to_a_larger_margin_after_its_first_success(classifiers, tested):
    """An image that barely fools its source is no fair comparison with the largest margin that a gradient finds."""
    images, labels, ids = tested[0][:8], tested[1][:8], list(range(8))
    scores, goal = scores_of(classifiers["forest", 0]), Goal(classes=labels, kind="untargeted")
    budget = Budget(population=6, max_queries=60)
    first = evolve(scores, ball(images, 0.3), goal, ids, budget, seed=0)
    whole = evolve(scores, ball(images, 0.3), goal, ids, budget, seed=0, whole_budget=True)
    margins = [goal.fitness(scores(found.images)[:, None], torch.arange(8))[:, 0] for found in (first, whole)]
    assert whole.queries.tolist() == [60] * 8
    assert (first.queries < 60).any()
    assert whole.reached.tolist() == first.reached.tolist()
    assert (margins[1] >= margins[0]).all()
    assert (margins[1] > margins[0]).any()


def test_two_classifiers_that_decide_alike_are_fooled_alike(classifiers, tested):
    """One is half as sure as the other; an image that fools either fools both, with the same wrong label."""
    rows = transfer_rows(classifiers, *tested, SETTINGS)
    pairs = rows[(rows["source"] == "softmax") & (rows["judge"] == "softmax")]
    wide = pairs.pivot(index=["source_seed", "id"], columns="judge_seed", values="predicted")
    assert (wide[0] == wide[1]).all()
    assert (pairs["predicted"] != pairs["label"]).any()


def test_nothing_to_fool_is_told(tested):
    images, labels = tested
    with pytest.raises(SpuriousError, match=r"^transfer: none of 90 test images is right for all classifiers") as error:
        transfer_rows({("softmax", 0): rows_decide()}, images, (labels + 1) % 3, SETTINGS)
    assert "\n" not in str(error.value)


# --- the script


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    tensors = {}
    for split in ("train", "validation", "test"):
        pixels, labels = blobs(90, seed=split)
        tensors |= {f"{split}_images": pixels.mul(255).to(torch.uint8), f"{split}_labels": labels}
    write_tensors(folder / "data", tensors)
    pixels, labels = blobs()
    estimators.write(folder / "forest", fit(parse(ClassifierEntry, FOREST), pixels, labels, 0))
    description = Description(architecture="softmax", image_shape=(1, 4, 4), classes=3)
    write_weights(folder / "softmax", rows_decide(), description)
    return folder


def arguments(files, rows, *sources):
    entries = {"softmax": {"architecture": "softmax", "recipe": "softmax"}, "forest": FOREST}
    settings = {"images": 5, "epsilon": 0.3, "steps": 3, "population": 5, "max_queries": 20}
    given = ["--data", str(files / "data"), "--sources", *sources, "--entries", json.dumps(entries)]
    return [*given, "--settings", json.dumps(settings), "--rows", str(rows)]


def test_the_script_writes_the_rows_of_the_test_images(files, tmp_path):
    sources = [f"softmax:0={files / 'softmax'}", f"forest:7={files / 'forest'}"]
    transfer_images.main(arguments(files, tmp_path / "rows", *sources))
    pixels, labels = blobs(90, seed="test")
    stored = pixels.mul(255).to(torch.uint8) / 255
    classifiers = {("softmax", 0): rows_decide(), ("forest", 7): fit(parse(ClassifierEntry, FOREST), *blobs(), 0)}
    settings = TransferSettings(images=5, epsilon=0.3, steps=3, population=5, max_queries=20)
    expected = transfer_rows(classifiers, stored, labels, settings).reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "rows"), expected)
    assert len(expected) == 2 * 2 * 5


def test_a_name_without_an_entry_is_told(files, tmp_path):
    with pytest.raises(SpuriousError, match=r"^--entries: unknown classifier 'florest'; did you mean 'forest'\?$"):
        transfer_images.main(arguments(files, tmp_path / "rows", f"florest:0={files / 'forest'}"))


OWN = """
from spurious.classifiers.entries import Architecture
class Mine(Architecture, kind="mine_transferred"):
    layers = ("input", "softmax")
    def build(self, image_shape, classes):
        raise NotImplementedError
"""


def test_an_entry_may_be_of_an_architecture_of_ones_own(tmp_path, monkeypatch):
    entry = json.dumps({"own": {"architecture": "mine_transferred", "recipe": "fast"}})
    entries = named_settings_argument(ClassifierEntry)
    with pytest.raises(argparse.ArgumentTypeError, match=r"^own: architecture: 'mine_transferred' is not allowed"):
        entries(entry)
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    monkeypatch.setenv(EXTENSIONS, json.dumps([str(tmp_path / "mine.py")]))
    assert entries(entry)["own"].layers == ("input", "softmax")


@pytest.mark.parametrize("source", ["forest=file", "forest:0", ":0=file", "forest:x=file"])
def test_a_source_of_another_form_is_told(source, files, tmp_path):
    with pytest.raises(SpuriousError, match=r"^--sources: '.*' is not NAME:SEED=FILE$"):
        transfer_images.main(arguments(files, tmp_path / "rows", source))


def test_a_source_whose_seed_no_tensor_holds_is_told(files, tmp_path):
    with pytest.raises(SpuriousError, match=rf"^--sources: {2**70} is not a seed, a whole number from 0 to 2\^63 - 1$"):
        transfer_images.main(arguments(files, tmp_path / "rows", f"forest:{2**70}=file"))
