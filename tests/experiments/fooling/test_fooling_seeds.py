"""What one training is fooled from and with: how many images, of what size, and which of them are kept to be shown."""

import pandas as pd
import pytest
import torch

from spurious.attacks.entries import GradientAttack
from spurious.attacks.within import Starts
from spurious.classifiers.models import SoftmaxRegression, initialize
from spurious.errors import SpuriousError
from spurious.experiments.fooling.rows import RUBBISH_ON_PHOTOGRAPHS, fool_all, rubbish_count, rubbish_rows
from spurious.experiments.fooling.seeds import example_places, fool_seed, parts
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.experiments.fooling.starts import images_wanted, of_one_size
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing
from spurious.vision import transforms

METHODS = {
    "fgsm": GradientAttack(epsilon=0.1),
    "noise": GradientAttack(epsilon=0.2, goal="targeted", start="noise", images=30),
    "few": GradientAttack(epsilon=0.2, images=3),
}
CLASSES = 4


def settings_of(*names, **changes):
    return FoolingSettings(methods={name: METHODS[name] for name in names or METHODS}, **changes)


def photographs(*sizes):
    return [torch.rand(1, 3, *size, generator=generator("photograph", *size)) for size in sizes]


def test_examples_are_chosen_before_the_fooling():
    rows = pd.DataFrame({"label": [7, 7, 2, 1, 1, 0], "clean_predicted": [7, 7, 3, 1, 1, 0], "predicted": 9})
    assert example_places(rows) == [0, 3, 5]
    assert example_places(rows.assign(predicted=rows["label"])) == [0, 3, 5]
    assert example_places(rows.assign(label=pd.NA)) == [0, 1, 2, 3, 4, 5]
    many = pd.DataFrame({"label": range(100), "clean_predicted": range(100)})
    assert example_places(many) == [8, 25, 41, 58, 75, 91]


def test_there_are_as_many_test_images_as_any_method_is_to_have():
    assert images_wanted(settings_of(images=8)) == 8
    assert images_wanted(settings_of("few", images=8)) == 3
    assert images_wanted(settings_of("noise", images=8)) == 8  # rubbish is held against test images all the same
    many = FoolingSettings(methods={**METHODS, "many": GradientAttack(epsilon=0.1, images=9)}, images=8)
    assert images_wanted(many) == 9


def test_photographs_become_as_large_as_the_classifier_wants_them():
    images = photographs((20, 31), (25, 18))
    preprocessing = Preprocessing(resize=16, crop=12, interpolation="bicubic")
    made = of_one_size(images, preprocessing)
    assert made.shape == (2, 3, 12, 12)
    assert (made.min() >= 0) & (made.max() <= 1)
    bicubic = transforms.InterpolationMode.BICUBIC
    for image, own in zip(images, made, strict=True):
        resized = transforms.resize(image, [16], interpolation=bicubic, antialias=False)
        assert resized.max() > 1  # a bicubic resize goes beyond
        torch.testing.assert_close(own[None], transforms.center_crop(resized, 12).clamp(0, 1), atol=1e-5, rtol=0)


def test_photographs_that_stay_as_they_are_must_be_of_one_size():
    same = photographs((9, 8), (9, 8))
    assert torch.equal(of_one_size(same, Preprocessing()), torch.cat(same))
    with pytest.raises(SpuriousError, match="photographs of different sizes; give the classifier a resize"):
        of_one_size(photographs((9, 8), (8, 9)), Preprocessing())


def test_inputs_as_large_as_photographs_are_fewer():
    many, few = settings_of(rubbish=RUBBISH_ON_PHOTOGRAPHS + 1), settings_of(rubbish=7)
    assert rubbish_count(many, photographs=False) == RUBBISH_ON_PHOTOGRAPHS + 1
    assert rubbish_count(many, photographs=True) == RUBBISH_ON_PHOTOGRAPHS
    assert rubbish_count(few, photographs=True) == rubbish_count(few, photographs=False) == 7


@pytest.mark.usefixtures("one_thread")
def test_a_seed_has_the_rows_of_all_methods_and_shows_a_few():
    settings, model = settings_of(images=12, batch_size=5), SoftmaxRegression((1, 6, 6), CLASSES)
    initialize(model, "published", generator("model"))
    model.eval().requires_grad_(False)
    images = torch.rand(12, 1, 6, 6, generator=generator("tests"))
    tests = Starts(ids=range(12), images=images, labels=model(images).argmax(1))
    told = []
    made = fool_seed(model, tests, settings, 5, CLASSES, 6, lambda: told.append(1))
    assert len(told) == parts(settings) == 4
    expected = {name: rest for name, *rest in fool_all(model, tests, settings, 5, CLASSES)}
    pd.testing.assert_frame_equal(made.rows, pd.concat([rows for rows, *_ in expected.values()]))
    pd.testing.assert_frame_equal(made.rubbish, pd.concat(rubbish_rows(model, tests, settings, 6, 5)))
    assert set(made.examples) == {f"{name}/{kind}" for name in METHODS for kind in ("original", "fooled")}
    for name, (rows, starts, fooled) in expected.items():
        places = example_places(rows)
        assert places
        assert made.shown[made.shown["method"] == name]["id"].tolist() == rows["id"].iloc[places].tolist()
        assert torch.equal(made.examples[f"{name}/original"], starts.images[places])
        assert torch.equal(made.examples[f"{name}/fooled"], fooled[places])
