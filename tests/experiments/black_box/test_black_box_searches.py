"""All searches in a classifier by its scores: what they begin with, what they are told to want, what is kept."""

import pandas as pd
import pytest
import torch

from spurious.attacks.distances import Stored
from spurious.attacks.evolution import evolve
from spurious.attacks.settings import MapElites
from spurious.data.datasets import Dataset
from spurious.errors import SpuriousError
from spurious.experiments.black_box.rows import search_rows
from spurious.experiments.black_box.searches import queries, search_all, tasks_of
from spurious.experiments.black_box.settings import BlackBoxSettings
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES, COUNT = 3, 4
SETTINGS = BlackBoxSettings(images=COUNT, population=4, max_queries=24, epsilon=0.2, found_above=0.6)
OF = {"classifier": "rows", "seed": 2}


def scores(images):
    """The brightest of three rows of pixels decides."""
    return (6 * images.flatten(1).unflatten(1, (CLASSES, -1)).mean(2)).softmax(1)


def dataset(wrong=()):
    """Test images that are classified rightly, but for those in the places `wrong`."""
    images = torch.randint(256, (9, 1, CLASSES, 4), dtype=torch.uint8, generator=generator("images"))
    labels = scores(images / 255).argmax(1)
    labels[list(wrong)] = (labels[list(wrong)] + 1) % CLASSES
    splits = ("train", "validation", "test")
    return Dataset(images=dict.fromkeys(splits, images), labels=dict.fromkeys(splits, labels), classes=CLASSES)


@pytest.fixture(scope="module")
def tasks():
    return tasks_of(dataset(wrong=(0, 3)), scores, SETTINGS, 2)


def test_images_are_the_first_that_are_classified_rightly_and_go_to_other_classes(tasks):
    data, task = dataset(wrong=(0, 3)), tasks["image"]
    assert task.ids == [1, 2, 4, 5]
    assert torch.equal(task.original, data.pixels("test")[task.ids])
    assert torch.equal(task.labels, data.labels["test"][task.ids])
    assert not (task.goal.classes == task.labels).any()
    assert (task.box.high - task.original).max().item() == pytest.approx(0.2)
    assert task.goal.above is None


def test_noise_has_no_labels_and_targets_in_turns(tasks):
    task = tasks["noise"]
    assert (task.ids, task.labels) == ([0, 1, 2, 3], None)
    assert task.goal.classes.tolist() == [0, 1, 2, 0]
    assert task.goal.above == 0.6
    assert task.original is task.box.first


def test_a_classifier_that_is_never_right_is_told():
    with pytest.raises(SpuriousError, match=r"^black_box: no test image is classified rightly"):
        tasks_of(dataset(wrong=range(9)), scores, SETTINGS, 2)


def test_every_search_has_its_rows_and_all_queries_are_told(tasks):
    told = []
    rows, images = search_all(tasks, scores, None, SETTINGS, OF, told.append)
    assert sum(told) == queries(tasks, SETTINGS) == 2 * 2 * COUNT * 24
    assert rows.groupby(["start", "search"], sort=False).size().to_dict() == {
        (start, search): COUNT for start in ("image", "noise") for search in ("evolution", "random")
    }
    for start, task in tasks.items():
        found = evolve(scores, task.box, task.goal, task.ids, SETTINGS.budget, method="evolution", seed=2)
        assert torch.equal(images.pop(f"{start}/evolution"), found.images)
        assert torch.equal(images.pop(f"{start}/original"), task.original)
        identification = OF | {"start": start, "search": "evolution"}
        expected = search_rows(scores, found, task.goal, task.original, task.ids, task.labels, identification)
        own = rows[(rows["start"] == start) & (rows["search"] == "evolution")]
        pd.testing.assert_frame_equal(own, expected, check_dtype=False)
    assert not images


def test_the_evolution_towards_all_classes_counts_as_work(tasks):
    elites = MapElites(generations=(2,), runs=1)
    more = queries(tasks, SETTINGS.model_copy(update={"map_elites": elites})) - queries(tasks, SETTINGS)
    assert more == elites.queries > 0


def test_distances_attack_images_alone_and_ask_for_no_score(tasks):
    data = dataset()
    stored = Stored(images=data.pixels("train").flatten(1), labels=data.labels["train"], count=1)
    rows, images = search_all(tasks, scores, stored, SETTINGS, OF)
    own = rows[rows["search"] == "distances"]
    assert own["start"].tolist() == ["image"] * COUNT
    assert (own["queries"] == 0).all()
    assert own["target"].tolist() == tasks["image"].goal.classes.tolist()
    assert (own["success"] == (own["predicted"] == own["target"])).all()
    assert 0 < own["linf"].max() <= 0.2 + 1e-6
    assert set(images) == {f"{start}/{kind}" for start in ("image", "noise") for kind in ("original", "evolution")}
