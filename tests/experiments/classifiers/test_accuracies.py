"""The table of accuracies."""

import pytest

from samplerows import predictions
from spurious.errors import SpuriousError
from spurious.experiments.classifiers import accuracies
from spurious.rates import over_seeds
from spurious.statistics.proportions import wilson

LAST = ["validation_accuracy", "largest_class", "seeds"]


def test_classifiers_golden():
    table = accuracies.classifiers(predictions())
    assert list(table) == ["classifier", "seed", "n", "accuracy", "low", "high", "sd", *LAST]
    assert table["seed"].tolist() == [0, 1, "all"]
    assert table["accuracy"].tolist() == pytest.approx([0.9, 0.8, 0.85])
    assert table["validation_accuracy"].tolist() == [1, 1, 1]
    assert table["largest_class"].tolist() == [0.5, 0.5, 0.5]
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx(wilson(9, 10))
    test = predictions().query("split == 'test'")
    joined = over_seeds(test["predicted"] == test["label"], test["seed"], test["id"])
    assert table.loc[2, ["sd", "low", "high"]].tolist() == pytest.approx([joined.sd, joined.low, joined.high])
    assert table[["n", "seeds"]].to_numpy().tolist() == [[10, 1], [10, 1], [20, 2]]


def test_the_largest_class_is_that_of_the_test_split():
    rows = predictions()
    table = accuracies.classifiers(rows.assign(label=rows["label"].where(rows["split"] == "test", 0)))
    assert table["largest_class"].tolist() == [0.5, 0.5, 0.5]


def test_classifiers_without_test_images_is_an_error():
    only_train = predictions().query("split == 'train'")
    with pytest.raises(SpuriousError, match=r"no row of the split test for cnn, seed 0"):
        accuracies.classifiers(only_train)
