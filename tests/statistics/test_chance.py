"""Classifiers near chance: from which accuracy on, how many images it takes, and where it is said."""

import numpy as np
import pandas as pd
import pytest

from samplerows import predictions
from spurious.experiments.classifiers import accuracies
from spurious.experiments.classifiers.findings import classifiers
from spurious.experiments.fooling.rows import clean_rows, near_chance_by_seed
from spurious.experiments.smoothing.clean import clean
from spurious.experiments.smoothing.findings import smoothing
from spurious.experiments.smoothing.rates import summarize
from spurious.statistics.chance import largest_share, limit, near_chance
from spurious.statistics.proportions import wilson


@pytest.mark.parametrize(
    ("classes", "largest", "expected"),
    [
        (2, 0.5, 0.625),  # a quarter of the way from chance to 1: three times chance is more than all
        (3, 1 / 3, 0.5),
        (10, 0.1, 0.3),
        (1000, 0.001, 0.003),
        (10, 0.4, 0.4),
        (2, 1500 / 1512, 1500 / 1512),
    ],
)
def test_the_limit_by_hand(classes, largest, expected):
    assert limit(classes, largest) == pytest.approx(expected)


def right_of(total, right, labels):
    """Predictions of which the first so many are right."""
    return np.where(np.arange(total) < right, labels, -1)


@pytest.mark.parametrize(("classes", "total"), [(2, 200), (3, 300), (10, 1000), (1000, 5000)])
def test_the_upper_bound_decides(classes, total):
    labels = np.arange(total) % classes
    bound = limit(classes, 1 / classes)
    last = max(right for right in range(total) if wilson(right, total)[1] <= bound)
    assert 0 < last < bound * total
    warning = near_chance(labels, right_of(total, last, labels), classes)
    assert f"near chance for {classes} classes" in warning
    for cause in ("value range", "mean and std", "order of the classes", "resize and crop"):
        assert cause in warning
    assert near_chance(labels, right_of(total, last + 1, labels), classes) is None


def test_the_largest_class_decides_where_classes_are_unequal():
    labels = np.repeat([0, 1], [1500, 12])
    assert largest_share(labels) == 1500 / 1512
    assert "99.21" in near_chance(labels, right_of(1512, 1406, labels), 2)  # .93 right
    assert near_chance(labels, labels, 2) is None


@pytest.mark.parametrize("count", [0, 3])
def test_few_images_tell_nothing(count):
    labels = np.arange(count)
    assert near_chance(labels, labels + 1, 1000) is None


def votes(predicted):
    """Rows of 100 images of 10 classes, clean and under noise, with one view that matters."""
    labels = np.arange(100) % 10
    rows = [
        {"classifier": "own", "image": str(i), "label": label, "variant": "published", "seed": 0, "kernel": kernel}
        | {"sigma": sigma, "ns": guess if sigma == 0 else 0, "ss": label, "ds": label, "decision": label}
        | {"p_ns": 0.5, "p_ss": 0.5, "p_ds": 0.5}
        for kernel in (3, 5)
        for sigma in (0.0, 0.5)
        for i, (label, guess) in enumerate(zip(labels, predicted, strict=True))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("right", "warned"), [(10, True), (90, False)])
def test_a_sweep_says_so_among_its_findings(right, warned):
    rows = votes(right_of(100, right, np.arange(100) % 10))
    table = clean(rows, 10)
    assert table.loc[0, ["classifier", "n", "accuracy"]].tolist() == ["own", 100, right / 100]
    assert table.loc[0, ["largest_class", "near_chance_below"]].tolist() == pytest.approx([0.1, 0.3])
    said = list(smoothing(summarize(rows, "own"), None, table, 10))
    assert said[0].startswith("**own** gets") == warned
    assert sum("near chance" in sentence for sentence in said) == warned


def test_the_number_of_classes_decides_what_a_sweep_says():
    rows = votes(right_of(100, 10, np.arange(100) % 10))
    said = {
        classes: next(smoothing(summarize(rows, "own"), None, clean(rows, classes), classes)) for classes in (5, 1000)
    }
    assert "near chance for 5 classes" in said[5]
    assert "near chance" not in said[1000]


def test_the_view_without_blur_decides_wherever_it_stands():
    rows = votes(right_of(100, 10, np.arange(100) % 10))
    others = [name for name in rows if name != "ns"]
    last = rows[[*others[: others.index("decision")], "ns", *others[others.index("decision") :]]]
    assert clean(last, 10).loc[0, "accuracy"] == 0.1


def test_a_sweep_without_sigma_0_tells_nothing():
    rows = votes(np.zeros(100, int)).query("sigma > 0")
    assert clean(rows, 10).empty


def test_trained_classifiers_that_learned():
    said = list(classifiers(accuracies.classifiers(predictions()), 2))
    assert not any("near chance" in sentence for sentence in said)


def test_a_trained_classifier_that_did_not_learn():
    rows = predictions().assign(predicted=0, label=[0, 1] * 30)
    said = list(classifiers(accuracies.classifiers(pd.concat([rows] * 20, ignore_index=True)), 2))
    assert "near chance for 2 classes" in said[1]


def test_a_classifier_of_which_one_seed_learned():
    rows = pd.concat([predictions().assign(label=[0, 1] * 30)] * 20, ignore_index=True)
    rows["predicted"] = rows["label"].where(rows["seed"] == 0, 0)
    (said,) = classifiers(accuracies.classifiers(rows), 2)
    assert "near chance" not in said


def fooling_rows(right, seed=0):
    """Rows of a method that starts from 100 images of 10 classes, of one that has the first 10 only, and of noise."""
    labels = np.arange(100) % 10
    own = pd.DataFrame({"id": range(100), "label": pd.Series(labels, dtype="Int64"), "seed": seed})
    own["clean_predicted"] = right_of(100, right, labels)
    noise = own.assign(label=pd.Series([pd.NA] * 100, dtype="Int64"), clean_predicted=3)
    return pd.concat([noise, own, own.head(10)])


def test_clean_rows_of_fooling_have_every_image_once():
    labels, predicted = clean_rows(fooling_rows(40))
    assert (len(labels), (labels == predicted).sum()) == (100, 40)
    assert clean_rows(fooling_rows(40).head(100))[0].empty


def test_fooling_names_the_seeds_that_are_near_chance():
    rows = pd.concat([fooling_rows(90, 4), fooling_rows(10, 1)])
    (first, nothing), (second, said) = near_chance_by_seed(rows, 10)
    assert (first, second, nothing) == (4, 1, None)
    assert said.startswith("gets ")
    assert "of 100 images without noise right, near chance for 10 classes" in said


def test_fooling_of_noise_alone_tells_nothing():
    assert list(near_chance_by_seed(fooling_rows(0).head(100), 10)) == [(0, None)]
