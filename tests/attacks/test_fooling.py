"""Fooling by the gradient: closed forms, a slow reference, an established library, and what a user can get wrong."""

import copy
import math
from typing import NamedTuple

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import bdtrc
from sklearn.datasets import load_digits

from spurious.attacks import gradient
from spurious.attacks.entries import GradientAttack
from spurious.attacks.targets import NO_LABEL, random_targets
from spurious.attacks.within import Starts
from spurious.attacks.worth import log_odds, margin
from spurious.classifiers.models import ConvNet, SoftmaxRegression, initialize
from spurious.classifiers.predictions import predict
from spurious.classifiers.pretrained import Classifier
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, one_hot
from spurious.errors import SpuriousError
from spurious.experiments.fooling.rows import COLUMNS, fool_all, rubbish_rows
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.perturbations.balls import random_perturbation, sizes
from spurious.perturbations.starts import attack_starts
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (1, 8, 8)
CLASSES = 10
METHODS = {
    "fgsm": GradientAttack(epsilon=0.1),
    "fgsm-unclamped": GradientAttack(epsilon=0.1, clamp=False),
    "pgd-linf": GradientAttack(epsilon=0.1, steps=8),
    "pgd-linf-targeted": GradientAttack(epsilon=0.1, steps=8, goal="targeted"),
    "pgd-l2": GradientAttack(norm="l2", epsilon=0.6, steps=8),
    "pgd-l2-targeted": GradientAttack(norm="l2", epsilon=0.6, steps=8, goal="targeted"),
    "random-start": GradientAttack(epsilon=0.1, steps=4, random_start=True),
    "random-start-l2": GradientAttack(norm="l2", epsilon=0.6, steps=4, random_start=True, goal="targeted"),
}


class Fooled(NamedTuple):
    """Images, and what the classifier says of them."""

    images: torch.Tensor
    probabilities: torch.Tensor


def fool(model, *arguments, **options) -> Fooled:
    images = gradient.fool(model, *arguments, **options)
    return Fooled(images, predict(model, images))


@pytest.fixture(scope="module")
def digits():
    """Test images of digits, 8x8, with labels, and what was left for training."""
    bunch = load_digits()
    images, labels = torch.from_numpy(bunch.images).float().unsqueeze(1) / 16, torch.from_numpy(bunch.target).long()
    return (images[1400:1600], labels[1400:1600]), (images[:1400], labels[:1400])


@pytest.fixture(scope="module")
def models(one_thread, digits):
    """A CNN and a softmax regression, trained on digits."""
    images, labels = digits[1]
    built = {"cnn": ConvNet(SHAPE, CLASSES, (8, 16), 64), "softmax": SoftmaxRegression(SHAPE, CLASSES)}
    for name, epochs, rate in (("cnn", 12, 3e-3), ("softmax", 40, 5e-3)):
        recipe = TrainingRecipe(learning_rate=rate, schedule="one_cycle", batch_size=50, epochs=epochs)
        trainer = Trainer(built[name], TrainingSet(images=images, targets=one_hot(labels, CLASSES)), recipe, seed=0)
        list(trainer.run(rows=1))
        built[name].eval().requires_grad_(False)
    return built


def attack(model, digits, method, count=60, seed=0, **options):
    """A method on the first images; returns start, labels, targets, what came out."""
    (images, labels), _ = digits
    images, labels = images[:count], labels[:count]
    targets = random_targets(labels, CLASSES, range(count), seed) if method.goal == "targeted" else None
    fooled = fool(model, images, labels, method, targets=targets, ids=range(count), seed=seed, **options)
    return images, labels, targets, fooled


def successes(labels, targets, p):
    return p.argmax(1) != labels if targets is None else p.argmax(1) == targets


def gradients(model, images, classes):
    """Logits, and the gradients of the log odds of `classes` on the pixels, by autograd alone."""
    images = images.clone().requires_grad_()
    logits = model(images)
    return logits.detach(), torch.autograd.grad(log_odds(logits, classes).sum(), images)[0]


def linear(rows, size):
    weight = torch.tensor(rows)
    model = SoftmaxRegression((1, 1, size), len(weight)).requires_grad_(False)
    model.out.weight.copy_(weight)
    model.out.bias.zero_()
    return model.eval()


# --- what a step is


def test_one_step_on_two_classes_is_the_sign_of_the_weights_difference():
    """Goodfellow et al. 2014, section 5: of a logistic regression, -epsilon sign(w)."""
    model = linear([[2.0, -1.0, 0.5, 0.0], [-1.0, 3.0, 0.5, 0.0]], 4)
    images = torch.full((2, 1, 1, 4), 0.5)
    labels, targets = torch.tensor([0, 1]), torch.tensor([1, 0])
    towards_1 = torch.tensor([-0.1, 0.1, 0.0, 0.0])
    for goal in ("targeted", "untargeted"):
        moved = fool(model, images, labels, GradientAttack(epsilon=0.1, goal=goal), targets=targets, ids="ab", seed=0)
        torch.testing.assert_close(moved.images[:, 0, 0] - 0.5, torch.stack([towards_1, -towards_1]))


def test_one_step_in_l2_is_along_the_weights_difference():
    model = linear([[3.0, 0.0], [0.0, -4.0]], 2)
    start = torch.tensor([0.5, 0.5]).view(1, 1, 1, 2)
    moved = fool(model, start, torch.tensor([0]), GradientAttack(norm="l2", epsilon=0.1), ids="a", seed=0)
    torch.testing.assert_close((moved.images - start).flatten(), torch.tensor([-0.06, -0.08]))


def test_of_many_classes_the_step_is_that_of_the_cross_entropy(models, digits):
    images, labels, _, fooled = attack(models["cnn"], digits, METHODS["fgsm-unclamped"])
    pixels = images.clone().requires_grad_()
    torch.nn.functional.cross_entropy(models["cnn"](pixels), labels, reduction="sum").backward()
    sure = pixels.grad.abs() > 1e-5
    assert sure.float().mean() > 0.5
    torch.testing.assert_close(fooled.images[sure], (images + 0.1 * pixels.grad.sign())[sure], rtol=0, atol=1e-6)


def test_a_p_that_rounds_to_1_still_shows_the_way():
    """Log p of such an image has the gradient 0 in float32."""
    model = linear([[300.0, 0.0], [-300.0, 0.0]], 2)
    start = torch.full((1, 1, 1, 2), 0.5)
    assert torch.autograd.functional.jacobian(lambda x: model(x).log_softmax(1)[0, 0], start).abs().max() == 0
    moved = fool(model, start, torch.tensor([0]), GradientAttack(epsilon=0.6, clamp=False), ids="a", seed=0)
    assert moved.images.flatten().tolist() == pytest.approx([-0.1, 0.5])
    assert moved.probabilities.argmax() == 1


def test_log_odds_and_margin_golden():
    logits = torch.tensor([[1.0, 2.0, 0.0]])
    odds = math.exp(2) / (math.e + 1)
    assert log_odds(logits, torch.tensor([1])).item() == pytest.approx(math.log(odds))
    assert [margin(logits, torch.tensor([k])).item() for k in range(3)] == [-1, 1, -2]


def test_without_a_gradient_nothing_moves():
    start = torch.rand(2, 1, 1, 3, generator=generator("start"))
    for norm in ("linf", "l2"):
        method = GradientAttack(norm=norm, epsilon=0.1, steps=3)
        moved = fool(linear([[0.0] * 3] * 2, 3), start, torch.tensor([0, 1]), method, ids="ab", seed=0)
        assert torch.equal(moved.images, start)


def test_several_steps_are_of_the_documented_size():
    """A constant gradient: 2.5 epsilon / steps each, cut to epsilon; a step size of one's own as it is."""
    model, start = linear([[1.0], [-1.0]], 1), torch.full((1, 1, 1, 1), 0.5)

    def moved(**changes):
        method = GradientAttack(**{"epsilon": 0.3, "steps": 3} | changes)
        return 0.5 - fool(model, start, torch.tensor([0]), method, ids="a", seed=0).images.item()

    assert moved(steps=2, epsilon=0.3) == pytest.approx(0.3)
    assert moved(steps=10, step_size=0.01) == pytest.approx(0.1)
    assert moved(steps=1, step_size=0.01) == pytest.approx(0.01)
    assert moved(steps=1, step_size=0.5, epsilon=0.1) == pytest.approx(0.1)
    assert moved(epsilon=0.9) == pytest.approx(0.5)  # the pixel is black
    assert moved(epsilon=0.9, clamp=False) == pytest.approx(0.9)
    assert GradientAttack(epsilon=0.4, steps=5).step_size is None
    seen = []
    with model.register_forward_pre_hook(lambda _, inputs: seen.append(round(inputs[0].item(), 6))):
        moved(epsilon=0.4, steps=5)
    assert list(dict.fromkeys(seen)) == [0.5, 0.3, 0.1]


def slow_begin(image, name, method, seed):
    """Where the search of one image begins: at it, or uniformly distributed in the ball around it."""
    if not method.random_start:
        return image
    draw = generator(seed, "random start", name)
    if method.norm == "linf":
        change = torch.empty(image.shape).uniform_(generator=draw) * 2 - 1
    else:  # the radius of a uniform point of a ball in D dimensions has the distribution r^D
        direction = torch.empty(image.shape).normal_(generator=draw)
        radius = torch.rand((), generator=draw).item() ** (1 / image.numel())
        change = radius * direction / direction.square().sum().sqrt()
    begun = image + method.epsilon * change
    return begun.clamp(0, 1) if method.clamp else begun


def slow(model, image, label, target, method, begin):
    """One image in float64, from the definitions, and the best of all iterates."""
    model = model.double()
    towards, wanted = (1, target) if method.goal == "targeted" else (-1, label)
    size = method.step_size or (method.epsilon if method.steps == 1 else 2.5 * method.epsilon / method.steps)
    start, x, seen = image.double(), begin.double(), []
    for _ in range(method.steps):
        x = x.detach().requires_grad_()
        log_p = model(x[None])[0].log_softmax(0)[wanted]
        (gradient,) = torch.autograd.grad(log_p, x)
        step = gradient.sign() if method.norm == "linf" else gradient / gradient.norm()
        change = x.detach() + towards * size * step - start
        if method.norm == "linf":
            change = change.clamp(-method.epsilon, method.epsilon)
        else:
            change *= min(1, method.epsilon / change.norm().item())
        x = start + change
        x = x.clamp(0, 1) if method.clamp else x
        logits = model(x[None])[0]
        others = torch.cat([logits[:wanted], logits[wanted + 1 :]]).max()
        seen.append((towards * (logits[wanted] - others).item(), x))
    return max(seen, key=lambda pair: pair[0])


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", ["cnn", "softmax"])
def test_the_batch_equals_one_image_at_a_time(models, digits, name, kind):
    method = METHODS[name]
    images, labels, targets, fooled = attack(models[kind], digits, method, count=20)
    exact = copy.deepcopy(models[kind])
    wanted = labels if targets is None else targets
    towards = -1 if targets is None else 1
    margins = towards * margin(models[kind](fooled.images), wanted)
    far = 0
    for place in range(20):
        target = None if targets is None else int(targets[place])
        most, image = slow(
            exact, images[place], int(labels[place]), target, method, slow_begin(images[place], place, method, 0)
        )
        assert margins[place].item() == pytest.approx(most, rel=0.02, abs=0.02)
        far += (fooled.images[place] - image).abs().max() > 1e-4  # a sign of a gradient near 0 is decided by rounding
    assert far <= 4


@given(st.data())
@settings(max_examples=40)
def test_images_stay_in_the_ball_and_in_the_unit_interval(data):
    norm, clamp = data.draw(st.sampled_from(["linf", "l2"])), data.draw(st.booleans())
    start = data.draw(st.sampled_from(["image", "noise"]))
    goal = "targeted" if start == "noise" else data.draw(st.sampled_from(["targeted", "untargeted"]))
    method = GradientAttack(
        epsilon=data.draw(st.floats(0.001, 3)),
        norm=norm,
        steps=data.draw(st.integers(1, 5)),
        step_size=data.draw(st.one_of(st.none(), st.floats(0.001, 5))),
        start=start,
        goal=goal,
        random_start=data.draw(st.booleans()),
        clamp=clamp,
    )
    model = ConvNet((1, 5, 4), 3, (2, 3), 4)
    initialize(model, "published", generator(data.draw(st.integers(0, 99))))
    images = torch.rand(3, 1, 5, 4, generator=generator("images")).round(decimals=1)
    labels = torch.tensor([0, 1, 2])
    moved = fool(model, images, labels, method, targets=(labels + 1) % 3, ids="abc", seed=1).images
    size = sizes(moved, images)[norm]
    assert (size <= method.epsilon * (1 + 1e-5) + 1e-6).all()
    assert not clamp or (moved.min() >= 0 and moved.max() <= 1)
    control = random_perturbation(images, "abc", method, 1)
    assert (sizes(control, images)[norm] <= method.epsilon * (1 + 1e-5) + 1e-6).all()


def test_a_random_perturbation_is_as_large_as_the_method_allows():
    images = torch.full((4, *SHAPE), 0.5)
    for norm, epsilon in (("linf", 0.1), ("l2", 0.7)):
        method = GradientAttack(epsilon=epsilon, norm=norm)
        change = sizes(random_perturbation(images, range(4), method, 0), images)
        assert change[norm].tolist() == pytest.approx([epsilon] * 4, rel=1e-4)
    noise = GradientAttack(epsilon=0.1, start="noise", goal="targeted")
    assert random_perturbation(images, range(4), noise, 0) is images


@pytest.mark.parametrize("clamp", [True, False])
def test_a_random_perturbation_is_cut_where_the_method_cuts(clamp):
    images = torch.ones(2, *SHAPE)
    changed = random_perturbation(images, "ab", GradientAttack(epsilon=0.1, clamp=clamp), 0)
    assert changed.max().item() == pytest.approx(1 if clamp else 1.1)
    assert changed.min().item() == pytest.approx(0.9)


def test_random_draws_have_streams_of_their_own():
    """Without a gradient an image stays where it began: what was drawn is seen."""
    start, ids = torch.full((2, *SHAPE), 0.5), ["a", 7]

    def drawn(draw, stream):
        return torch.stack([draw(SHAPE, generator=generator(3, stream, name)) for name in ids])

    model = SoftmaxRegression(SHAPE, CLASSES).requires_grad_(False)
    model.out.weight.zero_()
    method = GradientAttack(epsilon=0.1, random_start=True)
    begun = fool(model, start, torch.tensor([0, 1]), method, ids=ids, seed=3).images
    torch.testing.assert_close(begun, start + 0.1 * (2 * drawn(torch.rand, "random start") - 1))
    changed = random_perturbation(start, ids, method, 3)
    torch.testing.assert_close(changed, start + 0.1 * drawn(torch.randn, "random change").sign())
    assert torch.equal(attack_starts("noise", ids, torch.empty(1, *SHAPE), 3), drawn(torch.rand, "start noise"))


# --- what does not change the result


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", ["cnn", "softmax"])
def test_neither_batch_size_nor_order_nor_threads_matter(models, digits, name, kind):
    method, (images, labels) = METHODS[name], digits[0]
    _, _, targets, whole = attack(models[kind], digits, method, count=40)
    *_, parts = attack(models[kind], digits, method, count=40, batch_size=7)
    order = torch.randperm(40, generator=generator("order"))
    turned = fool(
        models[kind],
        images[:40][order],
        labels[:40][order],
        method,
        targets=None if targets is None else targets[order],
        ids=order.tolist(),
        seed=0,
    )
    torch.set_num_threads(2)
    try:
        *_, threaded = attack(models[kind], digits, method, count=40)
    finally:
        torch.set_num_threads(1)
    for p in (parts.probabilities, turned.probabilities[order.argsort()], threaded.probabilities):
        assert ((p - whole.probabilities).abs().amax(1) > 1e-3).sum() <= 2  # a sign of a gradient near 0
        assert (p.argmax(1) != whole.probabilities.argmax(1)).sum() <= 1


@pytest.mark.parametrize("name", METHODS)
def test_nothing_of_a_history_of_gradients_is_handed_on(name):
    model, images = SoftmaxRegression(SHAPE, CLASSES), torch.rand(3, *SHAPE, generator=generator(0))
    *_, plain = attack(model, ((images, torch.zeros(3).long()), None), METHODS[name], 3)
    *_, tracked = attack(model, ((images.clone().requires_grad_(), torch.zeros(3).long()), None), METHODS[name], 3)
    for found in (plain, tracked):
        assert not found.images.requires_grad
        assert not found.probabilities.requires_grad
    assert torch.equal(plain.images, tracked.images)
    assert not random_perturbation(images.clone().requires_grad_(), range(3), METHODS[name], 0).requires_grad


def test_the_model_is_left_as_it_was(digits):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(64, CLASSES))
    model.train()
    first, second = (attack(model, digits, METHODS["pgd-linf"])[3].images for _ in range(2))
    assert torch.equal(first, second), "dropout is off"
    assert model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_targets_and_noise_depend_on_seed_and_id_alone():
    labels = torch.arange(400) % CLASSES
    targets = random_targets(labels, CLASSES, range(400), 0)
    assert (targets != labels).all()
    assert set(((targets - labels) % CLASSES).tolist()) == set(range(1, CLASSES))
    assert torch.equal(random_targets(labels[5:9], CLASSES, range(5, 9), 0), targets[5:9])
    assert not torch.equal(random_targets(labels, CLASSES, range(400), 1), targets)
    free = random_targets(torch.full((200,), NO_LABEL), 3, range(200), 0)
    assert set(free.tolist()) == {0, 1, 2}
    noise = attack_starts("noise", ["a", "b"], torch.empty(1, *SHAPE), 0)
    assert torch.equal(noise[1:], attack_starts("noise", ["b"], torch.empty(1, *SHAPE), 0))
    assert not torch.equal(noise[1:], attack_starts("noise", ["b"], torch.empty(1, *SHAPE), 1))
    assert 0 <= noise.min() < noise.max() <= 1
    with pytest.raises(SpuriousError, match="two classes or more, not 1"):
        random_targets(labels, 1, range(400), 0)


# --- what it is good for


@pytest.mark.parametrize("kind", ["cnn", "softmax"])
@pytest.mark.parametrize("name", METHODS)
def test_images_are_fooled_and_untouched_ones_are_not(models, digits, name, kind):
    """Of the images that are right, many more than after a random change of the same size."""
    method = METHODS[name].changed(epsilon=2 * METHODS[name].epsilon)
    images, labels, targets, fooled = attack(models[kind], digits, method, count=100)
    right = predict(models[kind], images).argmax(1) == labels
    count = successes(labels, targets, fooled.probabilities)[right].float().mean()
    control = predict(models[kind], random_perturbation(images, range(100), method, 0))
    assert successes(labels, targets, control)[right].float().mean() < 0.15
    assert count > (0.88 if targets is None else 0.55)


def test_more_steps_and_the_best_of_them_are_not_worse(models, digits):
    """Of the same steps, what is kept has at least the margin of the last."""
    method = GradientAttack(epsilon=0.1, steps=12, step_size=0.05)
    images, labels, _, fooled = attack(models["cnn"], digits, method)
    x = images
    for _ in range(12):
        _, gradient = gradients(models["cnn"], x, labels)
        x = (x - 0.05 * gradient.sign()).clamp(images - 0.1, images + 0.1).clamp(0, 1)
    gained = margin(models["cnn"](x), labels) - margin(models["cnn"](fooled.images), labels)
    assert gained.min() > -1e-2
    assert gained.max() > 1e-3


ORACLES = {  # name of foolbox's attack, its options, our method
    "fgsm": ("LinfFastGradientAttack", {}, GradientAttack(epsilon=0.1)),
    "fgm": ("L2FastGradientAttack", {}, GradientAttack(norm="l2", epsilon=0.8)),
    "linf": ("LinfPGD", {"steps": 20, "rel_stepsize": 0.125}, GradientAttack(epsilon=0.1, steps=20)),
    "l2": ("L2PGD", {"steps": 20, "rel_stepsize": 0.125}, GradientAttack(norm="l2", epsilon=0.8, steps=20)),
}


@pytest.mark.parametrize("goal", ["untargeted", "targeted"])
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("kind", ["cnn", "softmax"])
def test_success_is_that_of_an_established_library_or_better(models, digits, kind, name, goal):
    """Same images, model, budget and start: what only foolbox fools must be no more than a fair coin explains."""
    foolbox = pytest.importorskip("foolbox")
    attack_name, options, method = ORACLES[name]
    if goal == "targeted" and method.steps == 1:
        pytest.skip("foolbox has no targeted one-step attack")
    method = method.changed(goal=goal)
    images, labels, targets, ours = attack(models[kind], digits, method, count=200)
    theirs = getattr(foolbox.attacks, attack_name)(random_start=False, **options)
    wrapped = foolbox.PyTorchModel(models[kind], bounds=(0, 1), device="cpu")
    if targets is None:
        criterion = foolbox.criteria.Misclassification(labels)
    else:
        criterion = foolbox.criteria.TargetedMisclassification(targets)
    found = theirs.run(wrapped, images, criterion, epsilon=method.epsilon)
    theirs = successes(labels, targets, predict(models[kind], found))
    own = successes(labels, targets, ours.probabilities)
    only_theirs, only_ours = int((theirs & ~own).sum()), int((own & ~theirs).sum())
    assert theirs.sum() > 20, "else the comparison says little"
    assert bdtrc(only_theirs - 1, only_theirs + only_ours, 0.5) > 0.05 if only_theirs else True


class Small(torch.nn.Module):
    """A residual network with batch normalization, as others bring it along."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm, self.block = torch.nn.BatchNorm2d(8), torch.nn.Conv2d(8, 8, 3, padding=1)
        self.head = torch.nn.Linear(8, 7)

    def forward(self, images):
        maps = torch.relu(self.norm(self.stem(images - 0.5)))
        return 5 * self.head((maps + torch.relu(self.block(maps))).mean((2, 3)))


@pytest.mark.parametrize("kind", ["torchscript", "exported", "torchvision"])
def test_a_step_on_a_classifier_of_others_follows_its_own_gradient(kind):
    torch.manual_seed(0)
    images = torch.rand(4, 3, 40, 40, generator=generator("colour"))
    plain = Small().eval()
    if kind == "torchvision":
        from spurious.classifiers.pretrained import torchvision_classifier

        model = plain = torchvision_classifier("resnet18", "IMAGENET1K_V1").eval()
    elif kind == "torchscript":
        with pytest.warns(DeprecationWarning, match="torch.jit"):
            model = torch.jit.freeze(torch.jit.trace(plain, images))
    else:
        size = {"images": {0: torch.export.Dim("n", min=1, max=9)}}
        model = torch.export.export(plain, (images,), dynamic_shapes=size).module()
    before = plain(images)
    labels = before.argmax(1)
    targets = (labels + 3) % before.shape[1]
    method = GradientAttack(epsilon=0.05, goal="targeted")
    fooled = fool(Classifier(model), images, labels, method, targets=targets, ids=range(4), seed=0)
    _, gradient = gradients(plain, images, targets)
    clear = gradient.abs() > 1e-3 * gradient.abs().amax((1, 2, 3), keepdim=True)
    assert clear.float().mean() > 0.9
    expected = (images + 0.05 * gradient.sign()).clamp(0, 1)
    torch.testing.assert_close(fooled.images[clear], expected[clear], rtol=0, atol=1e-6)
    torch.testing.assert_close(fooled.probabilities, plain(fooled.images).softmax(1), rtol=1e-3, atol=1e-6)
    assert (margin(plain(fooled.images), targets) > margin(before, targets)).all()


# --- what a user can get wrong


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": [3, CLASSES]}, "target 10: there is no such class; the classifier has 10, 0 to 9"),
        ({"targets": [3, -2]}, "target -2: there is no such class"),
        ({"targets": [3, 1]}, "target 1 is the label of the image itself; choose another class"),
        ({"targets": None}, "targets: missing"),
        ({"targets": [3]}, "2 images, 2 labels and 1 targets"),
        ({"labels": [0, 11]}, "label 11: there is no such class"),
        ({"labels": [NO_LABEL, 0], "goal": "untargeted"}, "target -1|label -1: there is no such class"),
    ],
)
def test_one_line_for_what_a_user_can_fix(models, changes, message):
    values = {"images": torch.zeros(2, *SHAPE), "labels": [0, 1], "targets": [3, 4], "goal": "targeted"} | changes
    method = GradientAttack(epsilon=0.1, goal=values["goal"])
    targets = None if values["targets"] is None else torch.tensor(values["targets"])
    with pytest.raises(SpuriousError, match=message) as raised:
        fool(
            models["softmax"],
            values["images"],
            torch.tensor(values["labels"]),
            method,
            targets=targets,
            ids="ab",
            seed=0,
        )
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (torch.zeros(2, 1, 9, 9), {}, r"does not take images of shape \(1, 9, 9\)"),
        (torch.full((2, *SHAPE), math.nan), {}, "logits that are no numbers"),
        (torch.zeros(2, *SHAPE), {"classes": 7}, r"gives logits \(2, 10\), not one for each of 7 classes"),
    ],
)
def test_a_classifier_that_does_not_fit_its_images_is_told(models, images, options, message):
    with pytest.raises(SpuriousError, match=message) as raised:
        predict(models["softmax"], images, **options)
    assert "\n" not in str(raised.value)
    assert predict(models["softmax"], torch.zeros(2, *SHAPE), classes=CLASSES).shape == (2, CLASSES)


def test_a_step_size_of_0_is_told():
    with pytest.raises(SpuriousError, match=r"step_size: 0 is not allowed: size of a step, above 0"):
        GradientAttack(epsilon=0.1).changed(step_size=0)


# --- rows


def test_rows_say_what_happened(models, digits):
    images, labels = digits[0]
    tests = Starts(ids=range(60), images=images[:60], labels=labels[:60])
    noise = GradientAttack(epsilon=0.2, steps=5, goal="targeted", start="noise", images=10)
    plan = FoolingSettings(methods={**METHODS, "noise": noise}, images=40)
    made = {name: (rows, starts, moved) for name, rows, starts, moved in fool_all(models["cnn"], tests, plan, 5, 10)}
    assert list(made) == [*METHODS, "noise"]
    for name, (rows, starts, moved) in made.items():
        assert set(rows) == set(COLUMNS) - {"classifier"}
        assert len(rows) == len(moved) == (10 if name == "noise" else 40)
        again = models["cnn"](moved).softmax(1)
        assert rows["predicted"].tolist() == again.argmax(1).tolist()
        assert rows["p"].to_numpy() == pytest.approx(again.amax(1).numpy(), abs=1e-5)
        change = (moved - starts.images).flatten(1)
        assert rows["l2"].to_numpy() == pytest.approx(change.norm(dim=1).numpy())
        assert rows["linf"].to_numpy() == pytest.approx(change.abs().amax(1).numpy())
        if name != "noise":
            control = predict(models["cnn"], random_perturbation(starts.images, starts.ids, plan.methods[name], 5))
            assert rows["control_predicted"].tolist() == control.argmax(1).tolist()
            known = rows["target"].notna()
            own = [control[place, int(rows["target"][place])].item() for place in rows.index[known]]
            assert rows.loc[known, "control_p_target"].tolist() == pytest.approx(own, abs=1e-6)
        assert rows["target"].isna().all() == ("targeted" not in name and name != "noise" and name != "random-start-l2")
    rows = made["noise"][0]
    assert rows["label"].isna().all()
    assert rows["control_predicted"].tolist() == rows["clean_predicted"].tolist()
    rows = made["pgd-linf-targeted"][0]
    own = models["cnn"](images[:40]).softmax(1)
    assert rows["label"].tolist() == labels[:40].tolist()
    assert rows["clean_p"].to_numpy() == pytest.approx(own.gather(1, labels[:40, None])[:, 0].numpy(), abs=1e-5)


def test_rubbish_is_drawn_by_id_and_judged(models, digits):
    images, labels = digits[0]
    tests = Starts(ids=range(30), images=images[:30], labels=labels[:30])

    def rows(count, batch_size):
        plan = FoolingSettings(methods=METHODS, batch_size=batch_size)
        return pd.concat(rubbish_rows(models["softmax"], tests, plan, count, 3), ignore_index=True)

    table = rows(50, 20)
    assert table["kind"].value_counts().to_dict() == {"normal": 50, "uniform": 50, "test images": 30}
    fewer = rows(20, 7)
    for kind in ("normal", "uniform"):
        part, own = (frame[frame["kind"] == kind]["p"].to_numpy()[:20] for frame in (table, fewer))
        assert part == pytest.approx(own, abs=1e-6)
    for kind, draw in (("normal", torch.randn), ("uniform", torch.rand)):
        drawn = draw(SHAPE, generator=generator(3, "rubbish", kind, 4))
        p = models["softmax"](drawn[None]).softmax(1).max().item()
        assert table[(table["kind"] == kind) & (table["id"] == 4)]["p"].item() == pytest.approx(p, abs=1e-6)
