"""The networks of Goodfellow et al.: their units one by one, and what it means that classes are independent."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from spurious.attacks.entries import GradientAttack
from spurious.attacks.gradient import fool
from spurious.attacks.inner import raise_loss
from spurious.attacks.worth import independent_log_likelihood
from spurious.classifiers.entries import Architecture
from spurious.classifiers.models import Description, MaxoutNetwork, RadialBasisNetwork, build_classifier, initialize
from spurious.classifiers.predictions import accuracy, predict, to_probabilities
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, independent_cross_entropy, one_hot
from spurious.data.datasets import digits
from spurious.experiments.classifiers.saliency import input_gradients
from spurious.modules import has_independent_classes
from spurious.seeding import generator

SHAPE, CLASSES = (2, 3, 4), 3
IMAGES = torch.rand(4, *SHAPE, generator=generator("images"))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def maxout():
    model = MaxoutNetwork(SHAPE, CLASSES, units=5, pieces=3)
    initialize(model, "pytorch", generator("maxout"))
    return model.requires_grad_(False)


@pytest.fixture
def rbf():
    """Centres in the images' range, and widths for which p is neither 0 nor 1."""
    model = RadialBasisNetwork(SHAPE, CLASSES)
    model.centres.weight.data.uniform_(0, 1, generator=generator("centres"))
    model.widths.weight.data.uniform_(-1, 1, generator=generator("widths"))
    return model.requires_grad_(False)


def slow_maxout(layer, values, pieces):
    """Each unit the largest of its pieces, one number after the other."""
    weights, biases = layer.weight.tolist(), layer.bias.tolist()
    linear = [sum(w * x for w, x in zip(row, values, strict=True)) + b for row, b in zip(weights, biases, strict=True)]
    return [max(linear[start : start + pieces]) for start in range(0, len(linear), pieces)]


def slow_p(model, pixels, own):
    """exp((x - mu)^T beta (x - mu)) with a whole matrix beta, in float64."""
    beta = -torch.diag(model.widths.weight[own].double() ** 2)
    away = pixels.double() - model.centres.weight[own].double()
    return math.exp(away @ beta @ away)


def test_maxout_units_are_the_largest_of_their_pieces(maxout):
    layers = maxout.activations(IMAGES)
    for image, hidden1, hidden2 in zip(IMAGES, layers["hidden1"], layers["hidden2"], strict=True):
        expected = slow_maxout(maxout.hidden1, image.flatten().tolist(), 3)
        assert hidden1.tolist() == pytest.approx(expected, abs=1e-5)
        assert hidden2.tolist() == pytest.approx(slow_maxout(maxout.hidden2, expected, 3), abs=1e-5)
    torch.testing.assert_close(layers["softmax"], maxout.out(layers["hidden2"]))


def test_maxout_with_one_piece_is_linear():
    model = MaxoutNetwork(SHAPE, CLASSES, units=4, pieces=1).requires_grad_(False)
    zero, one, both = (model(images) for images in (0 * IMAGES[:1], IMAGES[:1], 2 * IMAGES[:1]))
    torch.testing.assert_close(both - zero, 2 * (one - zero))


def test_an_rbf_unit_is_the_published_one(rbf):
    p = predict(rbf, IMAGES)
    for image, row in zip(IMAGES, p.tolist(), strict=True):
        assert row == pytest.approx([slow_p(rbf, image.flatten(), own) for own in range(CLASSES)], rel=1e-4)
    assert (p.sum(1) - 1).abs().min() > 0.01, "not the probabilities of a softmax"


def test_an_rbf_network_is_sure_near_a_centre_and_of_nothing_far_away(rbf):
    near = rbf.centres.weight[1].view(1, *SHAPE)
    far = near + 20
    for images, expected in ((near, 1.0), (far, 0.0)):
        logits = rbf(images)
        assert logits.isfinite().all()
        assert to_probabilities(logits, independent=True)[0, 1].item() == pytest.approx(expected, abs=1e-5)
    assert predict(rbf, far).amax() < 1e-10
    assert to_probabilities(rbf(far)).amax() >= 1 / CLASSES, "a softmax is always sure of something"


def test_the_likeliest_of_independent_classes_stays_so_where_every_p_would_be_0():
    logits = torch.tensor([[-3600.0, -1600.0, -1764.0], [-90.0, -85.0, -300.0], [-70.0, -60.0, 3.0]])
    p = to_probabilities(logits, independent=True)
    assert p.argmax(1).tolist() == [1, 1, 2]
    assert (p.amax(1)[:2] <= math.exp(-79)).all()
    torch.testing.assert_close(p[2], logits[2].sigmoid(), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["maxout", "rbf"])
def test_the_layers_are_those_of_the_entry(kind):
    model = build_classifier(Description(architecture=kind, image_shape=SHAPE, classes=CLASSES, units=6))
    layers = model.activations(IMAGES)
    assert tuple(layers) == Architecture.kinds[kind].layers
    assert torch.equal(layers["softmax"], model(IMAGES))
    assert layers["softmax"].shape == (4, CLASSES)


@pytest.mark.parametrize("kind", ["cnn", "lenet", "softmax", "maxout", "rbf"])
def test_entry_and_network_agree_whether_classes_are_independent(kind):
    model = build_classifier(Description(architecture=kind, image_shape=(1, 28, 28), classes=3))
    assert has_independent_classes(model) == Architecture.kinds[kind].independent == (kind == "rbf")


def test_the_published_sizes():
    models = {
        kind: build_classifier(Description(architecture=kind, image_shape=(1, 28, 28), classes=10, units=240))
        for kind in ("maxout", "rbf")
    }
    sizes = {kind: sum(own.numel() for own in model.parameters()) for kind, model in models.items()}
    assert sizes == {"maxout": 784 * 1200 + 1200 + 240 * 1200 + 1200 + 240 * 10 + 10, "rbf": 2 * 784 * 10}


@pytest.mark.parametrize(("kind", "rate", "wanted"), [("maxout", 0.002, 0.9), ("rbf", 0.02, 0.8)])
def test_training_works_on_the_digits(kind, rate, wanted):
    data = digits(12, 200, 400, 0)
    description = Description(architecture=kind, image_shape=data.image_shape, classes=10, units=30)
    recipe = TrainingRecipe(learning_rate=rate, batch_size=50, epochs=15, schedule="one_cycle")
    training_set = TrainingSet(images=data.pixels("train"), targets=one_hot(data.labels["train"], 10))
    trainer = Trainer(build_classifier(description), training_set, recipe, seed=0)
    *_, last = trainer.run()
    p = predict(trainer.model, data.pixels("test"))
    assert accuracy(p, data.labels["test"]) > wanted
    noise = predict(trainer.model, torch.randn(200, *data.image_shape, generator=generator("rubbish")))
    share = (noise.amax(1) > 0.5).float().mean().item()
    assert share == 0 if kind == "rbf" else share > 0.5
    assert (trainer.loss is independent_cross_entropy) == (kind == "rbf")
    assert last.loss < 3


def test_the_loss_and_the_likelihood_are_those_of_every_class_alone(rbf):
    logits, labels = rbf(IMAGES), torch.tensor([0, 1, 2, 0])
    p = predict(rbf, IMAGES).double().tolist()
    expected = [
        -sum(math.log(p_own if own == label else 1 - p_own) for own, p_own in enumerate(row))
        for row, label in zip(p, labels.tolist(), strict=True)
    ]
    assert independent_cross_entropy(logits, one_hot(labels, CLASSES)).tolist() == pytest.approx(expected, rel=1e-4)
    assert (-independent_log_likelihood(logits, labels)).tolist() == pytest.approx(expected, rel=1e-4)


def test_one_step_goes_along_the_signs_of_the_networks_own_loss(rbf):
    """That of a softmax over the same logits would go elsewhere."""
    labels = torch.tensor([0, 1, 2, 0])
    method = GradientAttack(epsilon=0.1, clamp=False)
    moved = fool(rbf, IMAGES, labels, method, ids=range(4), seed=0)
    images = IMAGES.clone().requires_grad_()
    gradients = {}
    for name, loss in (("own", independent_cross_entropy), ("softmax", F.cross_entropy)):
        value = loss(rbf(images), one_hot(labels, CLASSES)).sum()
        gradients[name] = torch.autograd.grad(value, images)[0].sign()
    torch.testing.assert_close(moved, IMAGES + 0.1 * gradients["own"])
    assert not torch.equal(gradients["own"], gradients["softmax"])


def test_training_against_attacks_raises_the_loss_of_the_training(rbf):
    targets, start = one_hot(torch.tensor([0, 1, 2, 0]), CLASSES), generator("start")
    moved = raise_loss(rbf, IMAGES, targets, 0.2, 5, start, loss=independent_cross_entropy)
    before, after = (independent_cross_entropy(rbf(images), targets) for images in (IMAGES, moved))
    assert (after > before).all()


def test_salient_pixels_are_those_of_the_probability_of_the_class_alone(rbf):
    labels, images = torch.tensor([0, 1, 2, 0]), IMAGES.clone().requires_grad_()
    p = rbf(images).sigmoid()[range(4), labels].sum()
    torch.testing.assert_close(input_gradients(rbf, IMAGES, labels), torch.autograd.grad(p, images)[0])


def test_any_module_is_a_softmax_unless_it_says_otherwise():
    model = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(SHAPE), CLASSES)).requires_grad_(False)
    assert not has_independent_classes(model)
    torch.testing.assert_close(predict(model, IMAGES).sum(1), torch.ones(4))
