"""The sweep of softmax regressions: what it learns, that it resumes exactly, and what it refuses."""

import itertools
import math
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

import train_linear
from killing import killed_after
from pipeline.files import checkpoints
from pipeline.files.tensors import write_tensors
from spurious.classifiers import linear
from spurious.classifiers.linear import LinearTrainer, history_rows, mean_image
from spurious.classifiers.linear_predictions import predict_linear, prediction_rows
from spurious.data.datasets import digits
from spurious.data.splits import InMemory, shuffled
from spurious.errors import SpuriousError
from spurious.experiments.linear.binary_logistic import binary_logistic_rows, random_signs
from spurious.experiments.linear.settings import LinearSettings
from spurious.seeding import generator

DECAYS = (0.003, 0.03, 0.3)
SETTINGS = LinearSettings(weight_decays=DECAYS, learning_rate=0.1, batch_size=50, epochs=3)
DATA = digits(8, 200, 400, 0)
SPLITS = {split: InMemory(DATA.images[split], DATA.labels[split]) for split in DATA.images}

pytestmark = pytest.mark.usefixtures("one_thread")


def new_trainer(seed=0, source=SPLITS["train"], **changes):
    return LinearTrainer(source, SETTINGS.model_copy(update=changes), 10, seed=seed)


def trained(trainer):
    list(trainer.run())
    return trainer.weights()


def pixels(split):
    return DATA.pixels(split).flatten(1).double()


@pytest.fixture(scope="module")
def converged():
    """Long enough to be compared with the exact minimum."""
    settings = SETTINGS.changed(epochs=150, batch_size=200, learning_rate=0.5)
    trainer = LinearTrainer(SPLITS["train"], settings, 10, seed=0)
    history = list(trainer.run(validation=SPLITS["validation"]))
    return trainer.weights(), history


@pytest.mark.parametrize("place", range(len(DECAYS)))
def test_reaches_the_minimum_that_scikit_learn_finds(converged, place):
    """Both minimize the mean cross-entropy plus d / 2 times the squared weights, biases free."""
    (weight, bias), _ = converged
    labels, x = DATA.labels["train"], pixels("train")
    oracle = LogisticRegression(C=1 / (DECAYS[place] * len(labels)), solver="newton-cholesky", tol=1e-6)
    oracle.fit(x.numpy(), labels.numpy())

    def objective(rows, offsets):
        penalty = DECAYS[place] / 2 * rows.square().sum()
        return float(F.cross_entropy(x @ rows.T + offsets, labels) + penalty)

    exact = objective(torch.from_numpy(oracle.coef_), torch.from_numpy(oracle.intercept_))
    found = objective(weight[place].flatten(1).double(), bias[place].double())
    assert exact - 1e-9 <= found < exact + 2e-3
    own = (pixels("test") @ weight[place].flatten(1).double().T + bias[place].double()).argmax(1)
    theirs = oracle.predict(pixels("test").numpy())
    assert (own.numpy() == theirs).mean() > 0.98


def test_history_begins_near_ln_10_and_falls(converged):
    _, history = converged
    assert history[0].step == 0
    assert history[0].losses[0] == pytest.approx(math.log(10), abs=0.1)
    assert len(set(history[0].losses)) == 1  # one start for all
    assert all(last < first for first, last in zip(history[0].losses, history[-1].losses, strict=True))
    assert history[-1].losses[0] < history[-1].losses[1] < history[-1].losses[2]
    assert min(history[-1].validation_accuracies[:2]) > 0.9


def test_one_step_equals_torchs_own_descent():
    """Two steps of torch's SGD with autograd in float64, on pixels from which the mean is taken."""
    trainer = new_trainer(weight_decays=(0.2,), batch_size=20, epochs=2 * 20 / len(SPLITS["train"]))
    assert trainer.total == 2
    weight = trainer.weight.double().clone().requires_grad_()
    bias = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    mean = pixels("train").mean(0)
    order = torch.cat([*itertools.islice(shuffled(SPLITS["train"], 20, generator(0, "order", 0)), 2)])
    optimizer = torch.optim.SGD([{"params": weight, "weight_decay": 0.2}, {"params": bias}], lr=0.1, momentum=0.9)
    for batch, rate in zip(order.split(1) if order.ndim > 1 else order.split(20), (0.1, 0.05), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        F.cross_entropy((pixels("train")[batch] - mean) @ weight.T + bias, DATA.labels["train"][batch]).backward()
        optimizer.step()
    own_weight, own_bias = trained(trainer)
    torch.testing.assert_close(own_weight[0].flatten(1).double(), weight.detach(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(own_bias[0].double(), (bias - weight @ mean).detach(), rtol=1e-5, atol=1e-5)


def test_all_decays_together_equal_each_alone():
    weight, bias = trained(new_trainer())
    for place, decay in enumerate(DECAYS):
        alone, its_bias = trained(new_trainer(weight_decays=(decay,)))
        torch.testing.assert_close(alone[0], weight[place], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(its_bias[0], bias[place], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(weight[0], weight[1], atol=1e-3)


def test_the_seed_decides_the_weights():
    first, again, other = (trained(new_trainer(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


def test_the_global_generator_is_neither_read_nor_moved():
    state = torch.random.get_rng_state()
    trained(new_trainer())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_source_is_read_in_batches_only():
    class Spy(InMemory):
        sizes: ClassVar = []

        def batch(self, indices):
            self.sizes.append(len(indices))
            return super().batch(indices)

    trained(new_trainer(source=Spy(DATA.images["train"], DATA.labels["train"])))
    assert max(Spy.sizes) <= 500 < len(DATA.labels["train"])


def test_the_weights_act_on_the_pixels_themselves():
    trainer = new_trainer()
    weight, bias = trained(trainer)
    scores = (pixels("test").float() - trainer.mean) @ trainer.weight.T + trainer.bias
    folded = torch.einsum("nchw,dkchw->ndk", DATA.pixels("test"), weight) + bias
    torch.testing.assert_close(folded, scores.view_as(folded), rtol=1e-4, atol=1e-5)


def test_mean_image_of_all_and_of_an_even_spread(monkeypatch):
    expected = pixels("train").mean(0)
    torch.testing.assert_close(mean_image(SPLITS["train"], batch_size=7), expected, rtol=1e-6, atol=1e-7)
    monkeypatch.setattr(linear, "MEAN_OF", 4)
    source = InMemory(torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1), torch.zeros(10, dtype=torch.long))
    assert mean_image(source).item() * 255 == pytest.approx(np.mean([0, 2, 5, 7]))


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_predictions_equal_a_plain_loop(batch_size):
    weight, bias = trained(new_trainer())
    predictions = predict_linear(weight, bias, SPLITS["test"], batch_size=batch_size)
    for place in range(len(DECAYS)):
        p = (pixels("test") @ weight[place].flatten(1).double().T + bias[place].double()).softmax(1)
        assert torch.equal(predictions.predicted[place], p.argmax(1))
        torch.testing.assert_close(predictions.probability[place].double(), p.max(1).values, rtol=1e-4, atol=1e-6)
        own = torch.stack([row[label] for row, label in zip(p, DATA.labels["test"], strict=True)])
        torch.testing.assert_close(predictions.p_label[place].double(), own, rtol=1e-4, atol=1e-6)


def test_prediction_rows_name_decay_and_image():
    predictions = predict_linear(*trained(new_trainer()), SPLITS["test"])
    rows = prediction_rows(predictions, SPLITS["test"].labels, DECAYS)
    assert list(rows) == ["weight_decay", "id", "label", "predicted", "probability", "p_label"]
    assert rows["weight_decay"].unique().tolist() == list(DECAYS)
    row = rows[(rows["weight_decay"] == DECAYS[2]) & (rows["id"] == 17)].iloc[0]
    assert row["predicted"] == predictions.predicted[2, 17]
    assert row["label"] == SPLITS["test"].labels[17]


def test_history_rows_has_the_penalty_of_the_weights():
    trainer = new_trainer()
    history = list(trainer.run(validation=SPLITS["validation"], rows=4))
    rows = history_rows(history, DECAYS)
    assert list(rows) == ["step", "weight_decay", "loss", "penalty", "validation_accuracy", "learning_rate"]
    assert rows["step"].unique().tolist() == [row.step for row in history] == [0, 18, 36, 54, 72]
    last = rows.tail(3)
    expected = [decay / 2 * float(w.square().sum()) for decay, w in zip(DECAYS, trainer.weights()[0], strict=True)]
    assert last["penalty"].tolist() == pytest.approx(expected, rel=1e-5)
    assert rows["learning_rate"].iloc[0] == 0.1
    assert rows["learning_rate"].iloc[-1] == pytest.approx(0.1 / 72)


@pytest.mark.parametrize("rows_done", [1, 2, 3, 5])
def test_interrupted_and_restored_equals_undisturbed(rows_done):
    undisturbed = new_trainer()
    expected = list(undisturbed.run(validation=SPLITS["validation"], rows=5))
    killed = new_trainer()
    history = list(itertools.islice(killed.run(validation=SPLITS["validation"], rows=5), rows_done))
    restored = new_trainer()
    restored.restore({name: value.clone() for name, value in killed.state().items()})
    history += restored.run(validation=SPLITS["validation"], rows=5)
    assert history == expected
    for own, other in zip(restored.weights(), undisturbed.weights(), strict=True):
        assert torch.equal(own, other)


@pytest.mark.parametrize("checkpoint", [1, 3])
def test_a_killed_script_run_again_writes_the_same_bytes(tmp_path, monkeypatch, checkpoint):
    write_tensors(tmp_path / "data.safetensors", tensors())
    run_script(tmp_path, "whole")
    with killed_after(monkeypatch, checkpoint):
        run_script(tmp_path, "killed")
    assert [file.name for file in (tmp_path / "killed").iterdir()] == ["checkpoint.safetensors"]
    run_script(tmp_path, "killed")
    names = sorted(file.name for file in (tmp_path / "whole").iterdir())
    assert names == sorted(file.name for file in (tmp_path / "killed").iterdir())
    assert "checkpoint.safetensors" not in names
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


def test_the_checkpoint_of_another_run_is_not_used(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    checkpoints.train(new_trainer(seed=1), None, path, "other", "code")
    history = checkpoints.train(new_trainer(), SPLITS["validation"], path, "own", "code")
    assert history == list(new_trainer().run(validation=SPLITS["validation"]))


def mirrored():
    return InMemory(SPLITS["train"].images.flip(3), SPLITS["train"].labels)


def swapped_within_a_label():
    """The mean image and the labels stay as they are."""
    images, first = SPLITS["train"].images.clone(), SPLITS["train"].labels[0]
    other = int((SPLITS["train"].labels == first).nonzero()[1])
    images[[0, other]] = images[[other, 0]]
    return InMemory(images, SPLITS["train"].labels)


class ReadInBlocks(InMemory):
    """Shuffled as a store is."""

    block = 16
    window = 4


@pytest.mark.parametrize(
    "other",
    [mirrored, swapped_within_a_label, lambda: ReadInBlocks(SPLITS["train"].images, SPLITS["train"].labels)],
    ids=["mirrored", "swapped", "blocks"],
)
def test_the_checkpoint_of_other_images_is_not_used(tmp_path, other):
    path = tmp_path / "checkpoint.safetensors"
    checkpoints.train(new_trainer(source=other()), SPLITS["validation"], path, "other", "code")
    history = checkpoints.train(new_trainer(), SPLITS["validation"], path, "own", "code")
    assert history == list(new_trainer().run(validation=SPLITS["validation"]))


def test_the_checkpoint_of_other_validation_images_is_not_used(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    checkpoints.train(new_trainer(), SPLITS["test"], path, "other", "code")
    history = checkpoints.train(new_trainer(), SPLITS["validation"], path, "own", "code")
    assert history == list(new_trainer().run(validation=SPLITS["validation"]))


def test_the_checkpoint_of_another_kind_of_device_is_not_used():
    other = new_trainer()
    other.device = torch.device("cuda")  # its name alone: tests have no GPU
    assert checkpoints.fingerprint(other, None, "code") != checkpoints.fingerprint(new_trainer(), None, "code")


def test_a_script_killed_before_its_images_changed_trains_on_the_new_ones(tmp_path, monkeypatch):
    write_tensors(tmp_path / "data.safetensors", tensors())
    with killed_after(monkeypatch, 1):
        run_script(tmp_path, "killed")
    changed = {name: tensor.flip(3) if "images" in name else tensor for name, tensor in tensors().items()}
    write_tensors(tmp_path / "data.safetensors", {name: tensor.contiguous() for name, tensor in changed.items()})
    run_script(tmp_path, "killed")
    run_script(tmp_path, "whole")
    for name in ("weights.safetensors", "history.csv", "p.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def tensors():
    own = {f"{split}_images": images for split, images in DATA.images.items()}
    return own | {f"{split}_labels": labels for split, labels in DATA.labels.items()}


def arguments(folder, name, settings='{"weight_decays": [0.001, 0.1], "learning_rate": 0.1, "batch_size": 50, '
              '"epochs": 1, "pair": [3, 7], "step_images": 30}'):  # fmt: skip
    outputs = {"weights": "weights.safetensors", "predictions": "p.csv", "steps": "steps.safetensors"}
    outputs |= {"history": "history.csv", "pair": "pair.csv"}
    pairs = [(f"--{key}", str(folder / name / file)) for key, file in outputs.items()]
    data = str(folder / "data.safetensors")
    return ["--data", data, "--seed", "4", "--settings", settings, *itertools.chain(*pairs)]


def run_script(folder, name, **changes):
    train_linear.main(arguments(folder, name, **changes))


def test_the_script_writes_everything(tmp_path):
    write_tensors(tmp_path / "data.safetensors", tensors())
    run_script(tmp_path, "out")
    predictions = pd.read_csv(tmp_path / "out" / "p.csv")
    assert list(predictions)[:4] == ["seed", "weight_decay", "split", "id"]
    assert predictions.groupby("split").size().to_dict() == {"test": 800, "validation": 400}
    steps = load_file(tmp_path / "out" / "steps.safetensors")
    assert steps["l2"].shape == steps["linf"].shape == steps["linf_smallest"].shape == (2, 30, 10)
    assert steps["ids"].tolist() == list(range(30))
    assert steps["confident_linf"].shape == steps["confident_least"].shape == (2, 30)
    assert (steps["confident_linf"] >= steps["confident_least"]).all()
    assert steps["targets"].shape == (30,)
    assert not (steps["targets"] == DATA.labels["test"][:30]).any()
    weights = load_file(tmp_path / "out" / "weights.safetensors")
    assert weights["weight"].shape == (2, 10, 1, 8, 8)
    assert weights["weight_decays"].dtype == torch.float64
    assert weights["seed"] == steps["seed"] == 4
    own = predictions[(predictions["split"] == "test") & (predictions["id"] < 30)]["predicted"]
    assert own.tolist() == steps["decision"].flatten().tolist()
    assert pd.read_csv(tmp_path / "out" / "history.csv")["seed"].unique().tolist() == [4]
    assert set(pd.read_csv(tmp_path / "out" / "pair.csv")["label"]) == {3, 7}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('{"weight_decays": [0.1, 1.0], "learning_rate": 0.1, "batch_size": 9, "epochs": 1, "targets": [12]}',
         "linear.targets: there is no class 12; the classes are 0 to 9"),
        ('{"weight_decays": [0.1, 1.0], "learning_rate": 0.1, "batch_size": 9, "epochs": 1, "pair": [3, 10]}',
         "linear.pair: there is no class 10"),
    ],
)  # fmt: skip
def test_the_script_refuses_classes_that_are_not_there(tmp_path, settings, message):
    write_tensors(tmp_path / "data.safetensors", tensors())
    with pytest.raises(SpuriousError, match=message) as raised:
        run_script(tmp_path, "out", settings=settings)
    assert "\n" not in str(raised.value)


def test_a_wild_start_is_refused():
    with pytest.raises(SpuriousError, match=r"^linear\.initial_std: 3 gives an initial loss of [0-9.]+, .* = 2\.303"):
        list(new_trainer(initial_std=3.0).run())


@pytest.mark.parametrize("rate", [600.0, 1e30])
def test_an_exploding_loss_names_rate_step_and_decay(rate):
    with pytest.raises(
        SpuriousError, match=r"^linear\.learning_rate: .* exploded to .* at step \d+ with weight decay 0;"
    ):
        list(new_trainer(weight_decays=(0.0,), learning_rate=rate, epochs=20).run())


def test_a_bold_rate_that_still_learns_is_let_go():
    rows = list(new_trainer(weight_decays=(0.0,), learning_rate=1.0, epochs=10).run())
    assert rows[-1].losses[0] < 0.5


@pytest.mark.parametrize(("decay", "diverges"), [(37.9, False), (38.1, True)])
def test_a_weight_decay_beyond_the_bound_is_refused_and_below_it_shrinks(decay, diverges):
    """With nothing but the penalty, momentum .9 and rate .1 the weights shrink below 38 and grow above."""
    weight, velocity = 1.0, 0.0
    for _ in range(2000):
        velocity = 0.9 * velocity + decay * weight
        weight -= 0.1 * velocity
    assert (abs(weight) > 1) == diverges
    if diverges:
        with pytest.raises(SpuriousError, match=r"^linear\.weight_decays: 38\.1 diverges with the learning rate 0\.1"):
            new_trainer(weight_decays=(0.0, decay))
    else:
        new_trainer(weight_decays=(0.0, decay))


def test_pair_rows_confuse_3_and_7():
    settings = SETTINGS.changed(pair=(3, 7), epochs=30)
    rows = binary_logistic_rows(SPLITS, settings, seed=0)
    assert list(rows) == [
        "seed", "classes", "weight_decay", "attack", "epsilon", "id", "label", "predicted", "p_label"
    ]  # fmt: skip
    wrong = (rows["label"] != rows["predicted"]).groupby(rows["attack"]).mean()
    assert wrong["none"] < 0.05
    assert wrong["random signs"] < 0.1
    assert wrong["fast gradient sign"] > 0.8
    expected = torch.isin(DATA.labels["test"], torch.tensor([3, 7])).nonzero()[:, 0].tolist()
    assert rows[rows["attack"] == "none"]["id"].tolist() == expected
    assert rows["label"].tolist() == DATA.labels["test"][expected].tolist() * 4


@pytest.mark.parametrize(("turned", "best"), [(False, 0.01), (True, 10.0)])
def test_the_validation_split_chooses_the_decay_of_the_pair(turned, best):
    """Of a 1 and an 8, a heavy decay leaves .62 right, a light one .97; with the labels turned, .38 and .03."""
    labels = DATA.labels["validation"].clone()
    if turned:
        one, eight = labels == 1, labels == 8
        labels[one], labels[eight] = 8, 1
    splits = SPLITS | {"validation": InMemory(DATA.images["validation"], labels)}
    settings = SETTINGS.model_copy(update={"pair": (1, 8), "weight_decays": (10.0, 0.01, 10.0), "epochs": 10})
    assert binary_logistic_rows(splits, settings, seed=0)["weight_decay"].unique().tolist() == [best]


def test_the_attack_moves_the_margin_by_the_l1_norm():
    """ln(p / (1 - p)) of the label falls by epsilon times the L1 norm of the difference of the two templates."""
    settings = SETTINGS.model_copy(update={"pair": (1, 8), "epsilon": 0.02, "weight_decays": (0.1,)})
    rows = (
        binary_logistic_rows(SPLITS, settings, seed=0)
        .pivot(index="id", columns="attack", values="p_label")
        .astype(float)
    )
    odds = np.log(rows / (1 - rows))
    fall = odds["none"] - odds["fast gradient sign"]
    assert fall.max() == pytest.approx(fall.min(), rel=1e-3)
    assert fall.min() > 5 * (odds["none"] - odds["random signs"]).abs().median()
    assert (odds["fast gradient sign, clamped"] >= odds["fast gradient sign"] - 1e-4).all()


def test_random_signs_belong_to_the_image():
    together = random_signs(torch.tensor([5, 2, 9]), 64, 0)
    assert torch.equal(together[1], random_signs(torch.tensor([2]), 64, 0)[0])
    assert not torch.equal(together[0], together[1])
    assert set(together.unique().tolist()) == {-1.0, 1.0}
    assert random_signs(torch.arange(50), 500, 1).mean().abs() < 0.03


def test_without_a_pair_there_are_no_rows_but_their_columns():
    rows = binary_logistic_rows(SPLITS, SETTINGS.changed(pair=None), seed=0)
    assert len(rows) == 0
    assert list(rows) == list(binary_logistic_rows(SPLITS, SETTINGS.changed(pair=(3, 7), epochs=1), seed=0))


def test_without_validation_the_first_decay_is_the_pairs():
    splits = {"train": SPLITS["train"], "mirrored": SPLITS["test"]}
    rows = binary_logistic_rows(splits, SETTINGS.changed(pair=(0, 1)), seed=0)
    assert rows["weight_decay"].unique().tolist() == [DECAYS[0]]


def test_training_on_shuffled_labels_learns_nothing_that_holds():
    labels = DATA.labels["train"][torch.randperm(len(DATA.labels["train"]), generator=generator(0))]
    trainer = new_trainer(source=InMemory(DATA.images["train"], labels), epochs=10)
    rows = list(trainer.run(validation=SPLITS["validation"]))
    assert max(rows[-1].validation_accuracies) < 0.35
