"""What is measured of a sweep of softmax regressions: of which images, and that each is attacked by itself."""

import pandas as pd
import pytest
import torch

from spurious.attacks.closed_form import fast_gradient_sign, smallest_steps
from spurious.attacks.confident_steps import confident_steps
from spurious.data.splits import InMemory
from spurious.errors import SpuriousError
from spurious.experiments.linear.settings import LinearSettings
from spurious.experiments.linear.sweep import RUBBISH, attacked, check, predictions, with_seed
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

DECAYS, CLASSES, SHAPE = (0.1, 0.01), 3, (1, 4, 5)
SETTINGS = LinearSettings(weight_decays=DECAYS, learning_rate=0.1, batch_size=5, epochs=1, step_images=6, epsilon=0.1)
WEIGHT = torch.randn(len(DECAYS), CLASSES, *SHAPE, generator=generator("weight"))
BIAS = torch.randn(len(DECAYS), CLASSES, generator=generator("bias"))
PER_IMAGE = ("fgsm_wrong", "fgsm_p", "right", "decision", "l2_image", "linf_image", "confident_linf", "confident_least")


def split(count, name="images"):
    images = torch.randint(256, (count, *SHAPE), dtype=torch.uint8, generator=generator(name))
    return InMemory(images, torch.arange(count) % CLASSES)


@pytest.mark.parametrize(
    ("changes", "names", "message"),
    [
        ({}, ("test",), "the data have no split train, only test; make them again"),
        ({}, (), "the data have no split train, only none; make them again"),
        ({}, ("train", "validation"), "there is no split to test on beside train and validation"),
        ({"targets": (0, 3)}, ("train", "test"), "linear.targets: there is no class 3; the classes are 0 to 2"),
        ({"pair": (4, 0)}, ("train", "test"), "linear.pair: there is no class 4; the classes are 0 to 2"),
    ],
)
def test_what_would_fail_after_the_training_is_refused_before(changes, names, message):
    with pytest.raises(SpuriousError) as raised:
        check(SETTINGS.model_copy(update=changes), dict.fromkeys(names, split(2)), CLASSES)
    assert str(raised.value).startswith(message)


def test_classes_that_are_there_and_a_held_out_split_of_another_name_go():
    own = SETTINGS.model_copy(update={"targets": (0, 2), "pair": (1, 2)})
    check(own, dict.fromkeys(("train", "matched frequency"), split(2)), CLASSES)


def test_the_seed_comes_first_in_every_row():
    rows = with_seed(pd.DataFrame({"step": [0, 5]}, index=[3, 9]), 4)
    assert rows.to_dict("list") == {"seed": [4, 4], "step": [0, 5]}
    assert list(rows) == ["seed", "step"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train", "validation", "test"), {"validation": 8, "test": 8}),
        (("train", "held out"), {"train": 8, "held out": 8}),
    ],
)
def test_predictions_are_of_train_only_where_there_is_no_test(names, expected):
    splits = {name: split(4, name) for name in names}
    rows = predictions(WEIGHT, BIAS, splits, DECAYS)
    assert rows["split"].value_counts().to_dict() == expected
    assert list(rows)[:3] == ["weight_decay", "split", "id"]
    for (name, decay), own in rows.groupby(["split", "weight_decay"]):
        place, source = DECAYS.index(decay), splits[name]
        p = (source.images.flatten(1) / 255 @ WEIGHT[place].flatten(1).T + BIAS[place]).softmax(1)
        assert own["predicted"].tolist() == p.argmax(1).tolist()
        assert own["p_label"].to_numpy() == pytest.approx(p.gather(1, source.labels[:, None])[:, 0].numpy(), abs=1e-5)


def test_the_first_images_are_attacked_each_classifier_by_itself():
    source, told = split(9), []
    made = attacked(WEIGHT, BIAS, source, SETTINGS, 7, lambda: told.append(1))
    assert len(told) == len(DECAYS)
    assert made["ids"].tolist() == list(range(6))
    assert not (made["targets"] == source.labels[:6]).any()
    assert {made[name].shape for name in PER_IMAGE} == {(2, 6)}
    assert made["l2"].shape == made["linf"].shape == made["linf_smallest"].shape == (2, 6, CLASSES)
    assert made["rubbish_p"].shape == (2, RUBBISH)
    for place in range(len(DECAYS)):
        alone = attacked(WEIGHT[place : place + 1], BIAS[place : place + 1], source, SETTINGS, 7)
        for name in made.keys() - {"ids", "targets"}:
            torch.testing.assert_close(alone[name][0], made[name][place], rtol=0, atol=0, equal_nan=True)


def test_attacks_are_those_of_the_closed_forms():
    source = split(9)
    made = attacked(WEIGHT, BIAS, source, SETTINGS, 7)
    images, labels = source.images[:6].flatten(1) / 255, source.labels[:6]
    for place in range(len(DECAYS)):
        weight, bias = WEIGHT[place].flatten(1), BIAS[place]
        steps = smallest_steps(weight, bias, images)
        torch.testing.assert_close(made["l2"][place], steps.l2, equal_nan=True)
        assert torch.equal(made["right"][place], (images @ weight.T + bias).argmax(1) == labels)
        decision, p = fast_gradient_sign(weight, bias, images, labels, 0.1)
        assert torch.equal(made["fgsm_wrong"][place], decision != labels)
        torch.testing.assert_close(made["fgsm_p"][place], p)
        sure = confident_steps(weight, bias, images, labels, made["targets"])
        torch.testing.assert_close(made["confident_linf"][place], sure.confident_linf)
        torch.testing.assert_close(made["confident_least"][place], sure.confident_least)
    assert made["right"].any()
    assert made["fgsm_wrong"].float().mean() > (~made["right"]).float().mean()


def test_without_a_number_all_images_are_attacked():
    made = attacked(WEIGHT, BIAS, split(9), SETTINGS.model_copy(update={"step_images": None}), 7)
    assert made["ids"].tolist() == list(range(9))
    assert made["fgsm_wrong"].shape == (2, 9)
