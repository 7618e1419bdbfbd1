"""Training: what it learns, that it resumes exactly, and each part against a plain rendition of its own."""

import copy
import dataclasses
import itertools
import json
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import nn

from killing import killed_after
from pipeline.files import checkpoints
from pipeline.files.tensors import read_tensors, write_tensors
from pipeline.jobs.arguments import EXTENSIONS
from pipeline.jobs.code import code_of
from spurious.attacks.confidence import confidence_gradients
from spurious.attacks.inner import raise_loss
from spurious.classifiers.models import ConvNet, SoftmaxRegression, initialize
from spurious.classifiers.predictions import accuracy, predict
from spurious.classifiers.recipes import Adversarial, TrainingRecipe
from spurious.classifiers.training import Fresh, Trainer, TrainingSet, one_hot, shift
from spurious.configuration import settings_for
from spurious.errors import SpuriousError
from spurious.perturbations.negatives import FreshNoise
from spurious.registry import parse
from spurious.seeding import generator

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))

SHAPE = (1, 9, 7)
RECIPE = TrainingRecipe(learning_rate=0.01, batch_size=8, steps=22, schedule="one_cycle", shift=1)
AGAINST_ATTACKS = RECIPE.changed(adversarial={"epsilon": 0.2, "steps": 3, "warm_up": 0.5})
GLOBAL_SEEDS = itertools.count()


pytestmark = pytest.mark.usefixtures("one_thread")


def quadrants(count, seed=0):
    """Noise with a bright corner: its place is the label."""
    labels = torch.randint(0, 3, (count,), generator=generator(seed, "labels"))
    images = 0.4 * torch.rand((count, *SHAPE), generator=generator(seed, "images"))
    for label, (rows, columns) in enumerate(
        [(slice(0, 4), slice(0, 3)), (slice(5, 9), slice(0, 3)), (slice(5, 9),) * 2]
    ):
        images[labels == label, :, rows, columns] += 0.6
    return images, labels


def data(count=41, negatives=9):
    """41 images make 5 batches of 8 and a remainder."""
    images, labels = quadrants(count - negatives)
    noise = torch.rand((negatives, *SHAPE), generator=generator(0, "noise"))
    targets = torch.cat([one_hot(labels, 3), torch.full((negatives, 3), 1 / 3)])
    return TrainingSet(images=torch.cat([images, noise]), targets=targets, negatives=negatives)


def new_trainer(training_set=None, recipe=RECIPE, seed: int | str = 0, channels=(2, 4)):
    torch.manual_seed(next(GLOBAL_SEEDS))  # which must not matter
    return Trainer(ConvNet(SHAPE, 3, channels, 8), training_set or data(), recipe, seed=seed)


def weights(trainer):
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_learns_a_separable_problem():
    images, labels = quadrants(300)
    recipe = TrainingRecipe(learning_rate=0.02, batch_size=20, epochs=4, schedule="one_cycle")
    trainer = new_trainer(TrainingSet(images=images, targets=one_hot(labels, 3)), recipe)
    validation = quadrants(100, seed=1)
    untrained = accuracy(predict(trainer.model, validation[0]), validation[1])
    history = list(trainer.run(validation=validation))
    assert untrained < 0.7
    assert history[-1].validation_accuracy > 0.98
    assert accuracy(predict(trainer.model, validation[0]), validation[1]) == history[-1].validation_accuracy
    assert history[-1].loss < 0.1 < 0.5 < history[0].loss


def test_nothing_is_learned_from_random_labels():
    images, labels = quadrants(300)
    shuffled = labels[torch.randperm(300, generator=generator(0))]
    recipe = TrainingRecipe(learning_rate=0.02, batch_size=20, epochs=4)
    trainer = new_trainer(TrainingSet(images=images, targets=one_hot(shuffled, 3)), recipe)
    assert list(trainer.run(validation=quadrants(100, seed=1)))[-1].validation_accuracy < 0.7


def test_the_seed_decides_the_weights():
    first, again, other = new_trainer(), new_trainer(), new_trainer(seed=1)
    histories = [list(trainer.run(validation=quadrants(20))) for trainer in (first, again, other)]
    assert_same(weights(first), weights(again))
    assert histories[0] == histories[1]
    assert all(not torch.equal(value, weights(other)[name]) for name, value in weights(first).items())


def test_the_global_generator_is_neither_read_nor_moved():
    trainer = new_trainer()
    state = torch.random.get_rng_state()
    list(trainer.run())
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("rows_done", "recipe"),
    [*((rows, RECIPE) for rows in (1, 2, 3, 4, 5)), (2, AGAINST_ATTACKS)],  # after steps 4, 8, ..., an epoch having 5
)
def test_interrupted_and_restored_equals_undisturbed(rows_done, recipe):
    validation = quadrants(20)
    undisturbed = new_trainer(recipe=recipe)
    expected = list(undisturbed.run(validation=validation, rows=6))
    assert [row.step for row in expected] == [4, 8, 12, 16, 20, 22]

    killed = new_trainer(recipe=recipe)
    history = list(itertools.islice(killed.run(validation=validation, rows=6), rows_done))
    state = {name: value.clone() for name, value in killed.state().items()}
    restored = new_trainer(recipe=recipe)
    restored.restore(state)
    assert restored.step == 4 * rows_done
    history += restored.run(validation=validation, rows=6)
    assert history == expected
    assert_same(weights(restored), weights(undisturbed))


def test_a_finished_run_is_restored_as_finished():
    trainer = new_trainer()
    list(trainer.run())
    restored = new_trainer()
    restored.restore(trainer.state())
    assert list(restored.run()) == []
    assert_same(weights(restored), weights(trainer))


def test_the_state_of_another_model_is_refused():
    state = new_trainer(channels=(3, 4)).state()
    with pytest.raises(RuntimeError):
        new_trainer().restore(state)
    other = Trainer(SoftmaxRegression(SHAPE, 3), data(), RECIPE, seed=0)
    with pytest.raises(KeyError):
        new_trainer().restore(other.state())


@pytest.mark.parametrize(
    ("total", "schedule", "expected"),
    [
        (10, "constant", [1] * 10),
        (10, "one_cycle", [1 / 3, 2 / 3, 1, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7]),
        (1, "one_cycle", [1]),
        (4, "one_cycle", [1 / 1.2, 1, 2 / 2.8, 1 / 2.8]),
    ],
)
def test_learning_rates(total, schedule, expected):
    recipe = TrainingRecipe(learning_rate=0.01, batch_size=8, steps=total, schedule=schedule)
    trainer, used = new_trainer(recipe=recipe), []
    step = trainer.optimizer.step
    trainer.optimizer.step = lambda gradients, rate: (used.append(rate), step(gradients, rate))
    history = list(trainer.run(rows=total))
    assert used == pytest.approx([0.01 * value for value in expected])
    assert [row.learning_rate for row in history] == used


@pytest.mark.parametrize(
    ("changes", "images", "expected"),
    [
        ({"steps": 20_000}, 55_000, 20_000),
        ({"epochs": 2}, 55_000, 1719),  # of 64
        ({"epochs": 0.5}, 128, 1),
        ({"epochs": 1}, 10, 1),
        ({"epochs": 3}, 96, 4),  # 4.5 rounds to the even number
        ({"epochs": 3}, 100, 5),
        ({"epochs": 2, "min_steps": 1719}, 3700, 1719),
        ({"epochs": 2, "min_steps": 1719}, 60000, 1875),
        ({"epochs": 2, "min_steps": None}, 3700, 116),
        ({"steps": 40, "min_steps": 1719}, 3700, 40),
    ],
)
def test_total_steps(changes, images, expected):
    assert TrainingRecipe(learning_rate=1, batch_size=64, **changes).total_steps(images) == expected


@pytest.mark.parametrize(("dataset", "images", "expected"), [("mnist", 55000, 1719), ("digits", 1197, 187)])
def test_the_least_number_of_steps_changes_no_shipped_training(dataset, images, expected):
    recipe = parse(TrainingRecipe, settings_for(CONFIG, dataset)["recipes"]["fast"])
    assert recipe.total_steps(images) == recipe.changed(min_steps=None).total_steps(images) == expected


def test_a_set_smaller_than_a_batch_gets_its_epochs():
    """Ten epochs of five images: ten steps, each with every image."""
    training_set = data(count=5, negatives=0)
    trainer = new_trainer(training_set, TrainingRecipe(learning_rate=0.01, batch_size=64, epochs=10))
    seen = []
    trainer.model.register_forward_pre_hook(lambda model, images: seen.append(images[0]))
    assert [row.step for row in trainer.run(rows=2)] == [5, 10]
    sums = training_set.images.sum((1, 2, 3)).sort().values  # no two images have the same
    assert len(seen) == 10
    assert all(torch.equal(images.sum((1, 2, 3)).sort().values, sums) for images in seen)


@pytest.mark.parametrize("changes", [{}, {"steps": 5, "epochs": 1}])
def test_a_recipe_has_either_steps_or_epochs(changes):
    with pytest.raises(SpuriousError, match="exactly one of steps and epochs"):
        parse(TrainingRecipe, {"learning_rate": 1, "batch_size": 64, **changes})


def slow_shift(images, pixels, offsets):
    """Every pixel by itself: what comes from beyond the edge is 0."""
    count, depth, height, width = images.shape
    result = torch.zeros_like(images)
    for n, c, y, x in itertools.product(range(count), range(depth), range(height), range(width)):
        down, right = (int(offset) - pixels for offset in offsets[n])
        if 0 <= y + down < height and 0 <= x + right < width:
            result[n, c, y, x] = images[n, c, y + down, x + right]
    return result


@pytest.mark.parametrize(("pixels", "shape"), [(1, (6, 1, 4, 5)), (2, (3, 2, 5, 3)), (3, (4, 1, 2, 2))])
def test_shift_equals_the_slow_loop(pixels, shape):
    images = torch.rand(shape, generator=generator(0))
    offsets = torch.randint(0, 2 * pixels + 1, (2, shape[0]), generator=generator(1)).T
    assert torch.equal(shift(images, pixels, generator(1)), slow_shift(images, pixels, offsets))


def test_shifts_of_every_image_its_own_and_in_every_direction():
    dot = torch.zeros(300, 1, 5, 5)
    dot[:, :, 2, 2] = 1
    moved = shift(dot, 1, generator(0))
    assert (moved.sum((1, 2, 3)) == 1).all()
    places = {tuple(place[2:]) for place in moved.nonzero().tolist()}
    assert places == set(itertools.product((1, 2, 3), repeat=2))


def test_no_shift_leaves_the_images():
    images = torch.rand(3, 1, 4, 4)
    assert shift(images, 0, generator(0)) is images


@pytest.mark.parametrize(("images", "batch_size"), [(41, 8), (40, 8), (5, 8)])
def test_the_batches_of_an_epoch_have_no_repetition(images, batch_size):
    """Images are recognized by their target, which is their number."""
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, batch):
            seen.append(batch.flatten().tolist())
            return self.weight * batch.flatten(1).expand(-1, 2)

    batches = max(1, images // batch_size)
    recipe = TrainingRecipe(learning_rate=1, batch_size=batch_size, steps=2 * batches)
    numbers = torch.arange(images, dtype=torch.float32)
    training_set = TrainingSet(images=numbers.view(-1, 1, 1, 1), targets=torch.full((images, 2), 0.5))
    list(Trainer(Spy(), training_set, recipe, seed=0).run())
    epochs = [list(itertools.chain(*seen[:batches])), list(itertools.chain(*seen[batches:]))]
    for epoch in epochs:
        assert len(epoch) == len(set(epoch)) == batches * min(batch_size, images)
        assert set(epoch) <= set(range(images))
    assert epochs[0] != epochs[1]
    assert epochs[0] != sorted(epochs[0])


def test_history_has_the_mean_losses_since_the_row_before():
    recipe = RECIPE.changed(steps=4, batch_size=41, shift=0)
    every_step, halves = new_trainer(recipe=recipe), new_trainer(recipe=recipe)
    logits = every_step.model(data().images).detach().double()
    before = -(data().targets.double() * logits.log_softmax(1)).sum(1)
    steps, rows = list(every_step.run(rows=4)), list(halves.run(rows=2))
    assert steps[0].loss == pytest.approx(before[:-9].mean().item(), rel=1e-5)
    assert steps[0].negative_loss == pytest.approx(before[-9:].mean().item(), rel=1e-5)
    assert [row.step for row in rows] == [2, 4]
    for row, first, second in zip(rows, steps[::2], steps[1::2], strict=True):
        assert row.loss == pytest.approx((first.loss + second.loss) / 2, rel=1e-6)
        assert row.negative_loss == pytest.approx((first.negative_loss + second.negative_loss) / 2, rel=1e-6)
    assert_same(weights(every_step), weights(halves))


def test_without_negatives_their_loss_is_missing():
    rows = list(new_trainer(data(negatives=0)).run())
    assert all(math.isnan(row.negative_loss) and not math.isnan(row.loss) for row in rows)
    assert all(math.isnan(row.validation_accuracy) for row in rows)


def test_a_uniform_target_has_the_floor_ln_10():
    images = torch.rand((40, *SHAPE), generator=generator(0))
    training_set = TrainingSet(images=images, targets=torch.full((40, 10), 0.1), negatives=40)
    recipe = TrainingRecipe(learning_rate=0.02, batch_size=20, steps=40, schedule="one_cycle")
    trainer = Trainer(ConvNet(SHAPE, 10, (2, 4), 8), training_set, recipe, seed=0)
    rows = list(trainer.run())
    assert all(math.log(10) - 1e-6 <= row.negative_loss for row in rows)
    assert rows[-1].negative_loss == pytest.approx(math.log(10), abs=1e-3)
    assert all(math.isnan(row.loss) for row in rows)
    assert predict(trainer.model, images).max() < 0.15


@pytest.mark.parametrize("steps", [1, 7])
def test_equals_a_plain_training_loop(steps):
    """Written with the ordinary Adam, integer labels and no memory format."""
    images, labels = quadrants(30)
    recipe = TrainingRecipe(learning_rate=0.01, batch_size=6, steps=steps, epsilon=1e-6, weight_decay=0.01, shift=2)
    trainer = new_trainer(TrainingSet(images=images, targets=one_hot(labels, 3)), recipe, seed=4)
    model = ConvNet(SHAPE, 3, (2, 4), 8)
    model.load_state_dict(copy.deepcopy(trainer.model.state_dict()))
    model.double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-6, weight_decay=0.01, fused=False, foreach=False)
    order = torch.cat([torch.randperm(30, generator=generator(4, "order", epoch)) for epoch in range(2)])
    for step, batch in enumerate(order.split(6)[:steps]):
        offsets = torch.randint(0, 5, (2, 6), generator=generator(4, "shift", step)).T
        optimizer.zero_grad()
        F.cross_entropy(model(slow_shift(images[batch], 2, offsets).double()), labels[batch]).backward()
        optimizer.step()
    list(trainer.run())
    for name, value in trainer.model.state_dict().items():
        torch.testing.assert_close(value.double(), model.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)


NOISY = TrainingRecipe(
    **{"learning_rate": 0.02, "batch_size": 6, "epochs": 4, "optimizer": "sgd", "momentum": 0.8, "weight_decay": 0.01},
    **{"schedule": "step", "step_epochs": 1.5, "noise": 0.3},
)


def test_noise_and_sgd_equal_a_plain_training_loop():
    """Written with the ordinary SGD and scheduler, integer labels and no memory format."""
    images, labels = quadrants(30)
    trainer = new_trainer(TrainingSet(images=images, targets=one_hot(labels, 3)), NOISY, seed=4)
    model = ConvNet(SHAPE, 3, (2, 4), 8)
    model.load_state_dict(copy.deepcopy(trainer.model.state_dict()))
    model.double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.8, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [8, 15], 0.1)  # the first step after 7.5 and 15
    order = torch.cat([torch.randperm(30, generator=generator(4, "order", epoch)) for epoch in range(4)])
    for step, batch in enumerate(order.split(6)):
        noise = torch.empty(6, *SHAPE).normal_(generator=generator(4, "noise", step))
        optimizer.zero_grad()
        F.cross_entropy(model((images[batch] + 0.3 * noise).double()), labels[batch]).backward()
        optimizer.step()
        scheduler.step()
    list(trainer.run())
    for name, value in trainer.model.state_dict().items():
        torch.testing.assert_close(value.double(), model.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)


def test_sgd_restored_equals_undisturbed():
    undisturbed, killed, restored = (new_trainer(recipe=NOISY) for _ in range(3))
    list(undisturbed.run(rows=4))
    list(itertools.islice(killed.run(rows=4), 2))
    restored.restore({name: value.clone() for name, value in killed.state().items()})
    list(restored.run(rows=4))
    assert_same(weights(restored), weights(undisturbed))


def test_a_rate_that_falls_in_steps_needs_them():
    with pytest.raises(SpuriousError, match="the schedule step needs epochs and step_epochs"):
        parse(TrainingRecipe, {"learning_rate": 0.1, "batch_size": 8, "epochs": 2, "schedule": "step"})


def test_training_against_attacks_equals_a_plain_loop_that_attacks_its_own_weights():
    """Signs of the gradient at the weights of that step, a size that grows over the first half, one random start."""
    images, labels = quadrants(24)
    attack = {"epsilon": 0.1, "steps": 2, "warm_up": 0.5}
    recipe = TrainingRecipe(learning_rate=0.01, batch_size=8, steps=4, adversarial=attack)
    trainer = new_trainer(TrainingSet(images=images, targets=one_hot(labels, 3)), recipe, seed=4)
    model = ConvNet(SHAPE, 3, (2, 4), 8)
    model.load_state_dict(copy.deepcopy(trainer.model.state_dict()))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-8, fused=False, foreach=False)
    order = torch.cat([torch.randperm(24, generator=generator(4, "order", epoch)) for epoch in range(2)])
    for step, (batch, size) in enumerate(zip(order.split(8)[:4], (0, 0.05, 0.1, 0.1), strict=True)):
        start = images[batch]
        drawn = torch.rand(start.shape, generator=generator(4, "adversarial", step))
        moved = (start + size * (2 * drawn - 1)).clamp(0, 1)
        for _ in range(2):
            moved = moved.clone().requires_grad_()
            F.cross_entropy(model(moved), labels[batch]).backward()
            moved = moved.detach() + 1.25 * size * moved.grad.sign()
            moved = torch.min(torch.max(moved, start - size), start + size).clamp(0, 1)
        optimizer.zero_grad()
        F.cross_entropy(model(moved), labels[batch]).backward()
        optimizer.step()
    list(trainer.run())
    for name, value in trainer.model.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)


def test_attacks_of_size_0_leave_the_plain_training_bit_for_bit():
    plain, attacked = new_trainer(), new_trainer(recipe=AGAINST_ATTACKS.changed(adversarial={"epsilon": 0.0}))
    assert list(attacked.run()) == list(plain.run())
    assert_same(weights(attacked), weights(plain))
    other = new_trainer(recipe=AGAINST_ATTACKS)
    list(other.run())
    assert not torch.equal(other.model.out.weight, plain.model.out.weight)


@pytest.mark.parametrize(
    ("warm_up", "expected"), [(0.5, [0, 0.1, 0.2, 0.2]), (0.0, [0.2] * 4), (1.0, [0, 0.05, 0.1, 0.15])]
)
def test_the_size_of_attacks_grows_over_the_warm_up(warm_up, expected):
    attack = Adversarial(epsilon=0.2, warm_up=warm_up)
    assert [attack.size(step, 4) for step in range(4)] == pytest.approx(expected)


def test_training_against_attacks_helps_against_them():
    images, labels = quadrants(200)
    recipe = TrainingRecipe(learning_rate=0.02, batch_size=20, epochs=8, schedule="one_cycle")
    ball, errors = {"epsilon": 0.25, "steps": 5, "warm_up": 0.5}, []
    for own in (recipe, recipe.changed(adversarial=ball)):
        trainer = new_trainer(TrainingSet(images=images, targets=one_hot(labels, 3)), own)
        list(trainer.run())
        fooled = raise_loss(trainer.model, images, one_hot(labels, 3), 0.25, 10, generator("test"))
        errors.append(1 - accuracy(predict(trainer.model, fooled), labels))
    assert errors[1] < errors[0] - 0.2


def test_the_weights_start_as_initialized_for_the_seed():
    model = ConvNet(SHAPE, 3, (2, 4), 8)
    initialize(model, "published", generator(5, "initialization"))
    trainer = new_trainer(recipe=RECIPE.changed(initialization="published"), seed=5)
    assert_same(weights(trainer), model.state_dict())


def test_bfloat16_trains_and_keeps_float32_weights():
    recipe = TrainingRecipe(learning_rate=0.02, batch_size=20, steps=40, precision="bfloat16")
    images, labels = quadrants(200)
    training_set = TrainingSet(images=images, targets=one_hot(labels, 3))
    low, full = (
        new_trainer(training_set, recipe),
        new_trainer(training_set, recipe.changed(precision="auto")),
    )
    history = list(low.run(validation=quadrants(50, seed=1)))
    list(full.run())
    assert history[-1].validation_accuracy > 0.95
    assert all(value.dtype == torch.float32 for value in weights(low).values())
    assert not torch.equal(low.model.fc.weight, full.model.fc.weight)


@pytest.mark.parametrize("training", [True, False])
def test_predict_gives_probabilities_and_leaves_the_mode(training):
    model, images = ConvNet(SHAPE, 3, (2, 4), 8).train(training), quadrants(7)[0]
    probabilities = predict(model, images, batch_size=3)
    torch.testing.assert_close(probabilities, model(images).softmax(1).detach())
    assert model.training == training
    assert probabilities.dtype == torch.float32


def test_accuracy_golden():
    probabilities = torch.tensor([[0.1, 0.9], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    assert accuracy(probabilities, torch.tensor([1, 0, 0, 0])) == 0.75


def run_killed_after(rows, trainer, path, monkeypatch):
    """`checkpoints.train`, killed right after its so many-th checkpoint."""
    with killed_after(monkeypatch, rows):
        checkpoints.train(trainer, quadrants(20), path, "killed", "code")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    trainer = new_trainer()
    return trainer, checkpoints.train(trainer, quadrants(20), tmp_path_factory.mktemp("whole") / "c", "whole", "code")


@pytest.mark.parametrize("rows", [1, 3, 5])
def test_a_checkpoint_file_continues_the_run_exactly(tmp_path, monkeypatch, undisturbed, rows):
    path = tmp_path / "checkpoint.safetensors"
    run_killed_after(rows, new_trainer(), path, monkeypatch)
    resumed = new_trainer()
    history = checkpoints.train(resumed, quadrants(20), path, "resumed", "code")
    trainer, expected = undisturbed
    assert history == expected
    assert_same(weights(resumed), weights(trainer))


def test_a_resumed_run_does_not_start_over(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    run_killed_after(3, new_trainer(), path, monkeypatch)
    done = int(read_tensors(path)[0]["step"])
    resumed, steps = new_trainer(), []
    resumed.model.register_forward_pre_hook(lambda model, images: steps.append(model.training))
    checkpoints.train(resumed, quadrants(20), path, "resumed", "code")
    assert 0 < done < 22
    assert sum(steps) == 22 - done


def test_the_checkpoint_of_a_finished_run_gives_its_history(tmp_path, undisturbed):
    path, again = tmp_path / "checkpoint.safetensors", new_trainer()
    checkpoints.train(new_trainer(), quadrants(20), path, "first", "code")
    assert checkpoints.train(again, quadrants(20), path, "again", "code") == undisturbed[1]
    assert_same(weights(again), weights(undisturbed[0]))


def changed_pixel():
    training_set = data()
    training_set.images[3, 0, 2, 2] += 1e-6
    return new_trainer(training_set)


def changed_target():
    training_set = data()
    training_set.targets[3] = 1 / 3
    return new_trainer(training_set)


@pytest.mark.parametrize(
    "other",
    [
        lambda: new_trainer(seed=1),
        lambda: new_trainer(seed="0"),
        lambda: new_trainer(recipe=RECIPE.changed(learning_rate=0.02)),
        lambda: new_trainer(recipe=RECIPE.changed(steps=23)),
        lambda: new_trainer(channels=(3, 4)),
        changed_pixel,
        changed_target,
    ],
    ids=["seed", "kind of seed", "learning rate", "steps", "model", "pixel", "target"],
)
def test_the_checkpoint_of_another_run_is_ignored(tmp_path, monkeypatch, undisturbed, other):
    path = tmp_path / "checkpoint.safetensors"
    run_killed_after(3, other(), path, monkeypatch)
    trainer = new_trainer()
    assert checkpoints.train(trainer, quadrants(20), path, "own", "code") == undisturbed[1]
    assert_same(weights(trainer), weights(undisturbed[0]))


def test_the_checkpoint_with_other_validation_images_is_ignored(tmp_path, undisturbed):
    path, trainer = tmp_path / "checkpoint.safetensors", new_trainer()
    checkpoints.train(new_trainer(), quadrants(20, seed=1), path, "other", "code")
    assert checkpoints.train(trainer, quadrants(20), path, "own", "code") == undisturbed[1]


@pytest.mark.parametrize(("name", "value"), [("device", torch.device("cuda")), ("autocast", True)])
def test_the_checkpoint_of_another_device_or_precision_is_ignored(name, value):
    other = new_trainer()
    setattr(other, name, value)  # by its name alone: tests have no GPU
    assert checkpoints.fingerprint(other, None, "code") != checkpoints.fingerprint(new_trainer(), None, "code")


@pytest.mark.parametrize(("code", "goes_on"), [("code", True), ("edited", False)])
def test_the_checkpoint_of_other_code_is_ignored(tmp_path, monkeypatch, code, goes_on):
    path = tmp_path / "checkpoint.safetensors"
    run_killed_after(3, new_trainer(), path, monkeypatch)
    again, steps = new_trainer(), []
    again.model.register_forward_pre_hook(lambda model, images: steps.append(model.training))
    checkpoints.train(again, quadrants(20), path, "again", code)
    assert (sum(steps) < again.total) == goes_on


def test_kinds_of_ones_own_count_as_code(tmp_path, monkeypatch):
    plain = code_of("train_classifier")
    (tmp_path / "mine.py").write_text("x = 1\n")
    monkeypatch.setenv(EXTENSIONS, json.dumps([str(tmp_path / "mine.py")]))
    assert len({plain, code_of("train_classifier"), code_of("train_linear")}) == 3


def test_the_same_pixels_in_another_shape_are_other_images():
    training_set = data()
    turned = TrainingSet(images=training_set.images.reshape(-1, 1, 7, 9), targets=training_set.targets, negatives=9)
    own, other = new_trainer(training_set), new_trainer(training_set)
    other.data = turned
    assert checkpoints.fingerprint(own, None, "code") != checkpoints.fingerprint(other, None, "code")


@pytest.mark.parametrize("keep", [0, 20, 1000, None])
def test_an_unreadable_checkpoint_is_ignored(tmp_path, monkeypatch, undisturbed, keep):
    path = tmp_path / "checkpoint.safetensors"
    run_killed_after(3, new_trainer(), path, monkeypatch)
    content = path.read_bytes()
    path.write_bytes(b"{}" * 500 if keep is None else content[:keep])
    trainer = new_trainer()
    assert checkpoints.train(trainer, quadrants(20), path, "own", "code") == undisturbed[1]


def test_a_foreign_safetensors_file_is_no_checkpoint(tmp_path, undisturbed):
    path = tmp_path / "checkpoint.safetensors"
    write_tensors(path, {"step": torch.tensor(3)}, {"history": "[]"})
    assert checkpoints.train(new_trainer(), quadrants(20), path, "own", "code") == undisturbed[1]


# --- fresh negatives


def with_fresh(**settings):
    images, labels = quadrants(40)
    target = torch.tensor([0.0, 0.0, 0.0, 1.0])
    fresh = Fresh(noise=FreshNoise(**settings), target=target, classes=3)
    return TrainingSet(images=images, targets=F.pad(one_hot(labels, 3), (0, 1)), fresh=fresh)


def fresh_trainer(**settings):
    return Trainer(ConvNet(SHAPE, 4, (2, 4), 8), with_fresh(**settings), RECIPE, seed=0)


def noise_of(trainer, step):
    trainer.step = step
    return trainer._fresh_noise(torch.arange(8))


@pytest.mark.parametrize(("share", "count"), [(0.01, 1), (0.1, 1), (0.2, 2), (0.5, 8)])
def test_a_share_of_every_batch_is_noise_that_no_other_batch_has(share, count):
    trainer = fresh_trainer(share=share)
    batches = [noise_of(trainer, step) for step in (0, 1, 0)]
    assert all(batch.shape == (count, *SHAPE) for batch in batches)
    assert torch.equal(batches[0], batches[2])
    assert not any(torch.equal(*pair) for pair in itertools.product(batches[0], batches[1]))


def test_fresh_noise_is_trained_towards_its_target_and_its_loss_is_logged_apart():
    plain, trained = fresh_trainer(share=0.01), fresh_trainer(share=0.5)
    losses = [list(trainer.run(rows=2))[-1].negative_loss for trainer in (plain, trained)]
    noise = noise_of(fresh_trainer(share=0.5), 99)
    extra = [predict(trainer.model, noise)[:, 3].mean() for trainer in (plain, trained)]
    assert losses[1] < losses[0]
    assert extra[1] > extra[0]


@pytest.mark.parametrize("settings", [{"share": 0.1}, {"share": 0.5, "steps": 2}])
def test_a_training_with_fresh_noise_resumes_to_the_same_weights(settings):
    whole, first = fresh_trainer(**settings), fresh_trainer(**settings)
    list(whole.run())
    next(first.run(rows=3))
    second = fresh_trainer(**settings)
    second.restore(first.state())
    assert 0 < second.step < second.total
    list(second.run())
    assert_same(weights(whole), weights(second))


def test_checkpoints_of_other_noise_are_of_another_run():
    runs = [fresh_trainer(share=share, steps=steps) for share in (0.1, 0.2) for steps in (0, 1)]
    runs += [Trainer(runs[0].model, dataclasses.replace(runs[0].data, fresh=None), RECIPE, seed=0)]
    assert len({checkpoints.fingerprint(run, None, "code") for run in runs}) == 5


def test_the_inner_attack_follows_the_weights_of_the_step():
    """The same noise has another gradient, and is moved elsewhere, once the weights have changed."""
    trainer = fresh_trainer(share=0.5, steps=2)
    before = noise_of(trainer, 7)
    drawn = noise_of(fresh_trainer(share=0.5), 7)
    gradients = confidence_gradients(trainer.model, drawn, 3)
    trainer.step = 0
    next(trainer.run(rows=trainer.total))  # one step
    assert not torch.allclose(confidence_gradients(trainer.model, drawn, 3), gradients)
    assert not torch.equal(noise_of(trainer, 7), before)


@pytest.mark.parametrize(("settings", "images"), [({"share": 0.2}, 10), ({"share": 0.5, "steps": 3}, 40)])
def test_passes_count_every_image_of_every_gradient(settings, images):
    assert fresh_trainer(**settings).passes == 22 * images
    assert new_trainer().passes == 22 * 8


def test_passes_count_the_attacks_of_the_recipe():
    """Three steps on each image, but at the first step of the warm-up, which has no size."""
    assert new_trainer(recipe=AGAINST_ATTACKS).passes == 22 * 8 + 21 * 8 * 3
