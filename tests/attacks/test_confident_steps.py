"""What makes a linear classifier sure of a target, against plain searches, a linear program and random changes."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from spurious.attacks import closed_form, confident_steps
from spurious.attacks.closed_form import clamped_sum, template_fraction, template_fractions
from spurious.attacks.targets import random_targets
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES, PIXELS, COUNT = 5, 12, 25
WEIGHT = 4 * torch.randn((CLASSES, PIXELS), generator=generator("weight"))
BIAS = torch.randn(CLASSES, generator=generator("bias"))
IMAGES = torch.rand((COUNT, PIXELS), generator=generator("images")).mul(3).sub(1).clamp(0, 1)  # many pixels at an end
LABELS = (IMAGES @ WEIGHT.T + BIAS).argmax(1)
TARGETS = random_targets(LABELS, CLASSES, range(COUNT), 0)


def found(weight=WEIGHT, images=IMAGES):
    return confident_steps.confident_steps(weight, BIAS, images, LABELS, TARGETS)


def p_of(weight, images, target):
    """p of a target in plain numpy, float64."""
    scores = images @ weight.double().numpy().T + BIAS.double().numpy()
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    return exponentials[:, target] / exponentials.sum(1)


def slow_size(weight, image, target):
    """The largest change of a pixel at the first of many fractions, a thousandth apart, that is enough; inf without."""
    pixels, template = image.double().numpy(), weight[target].double().numpy()
    fractions = np.concatenate([[0.0], np.exp(np.arange(np.log(1e-6), np.log(1e4), 1e-3))])
    changed = np.clip(pixels + fractions[:, None] * template, 0, 1)
    enough = np.flatnonzero(p_of(weight, changed, target) >= 0.99)
    return np.abs(changed[enough[0]] - pixels).max() if len(enough) else np.inf


@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_equals_a_plain_search_along_the_template(scale):
    weight = scale * WEIGHT
    expected = [slow_size(weight, image, target) for image, target in zip(IMAGES, TARGETS.tolist(), strict=True)]
    own = found(weight).confident_linf
    assert own.dtype == torch.float32
    assert np.isfinite(expected).any(), "else nothing is compared"
    assert np.isinf(expected).any()
    np.testing.assert_allclose(own.numpy(), expected, rtol=1.1e-3)


def test_the_bound_equals_a_linear_program():
    """Minimize e, with the target's score ln 99 above the label's, changes within e and pixels within [0, 1]."""
    for image, label, target, own in zip(IMAGES, LABELS, TARGETS, found().confident_least, strict=True):
        pixels, direction = image.double().numpy(), (WEIGHT[target] - WEIGHT[label]).double().numpy()
        margin = np.log(99) - direction @ pixels - float(BIAS[target] - BIAS[label])
        ones, eye = np.ones((PIXELS, 1)), np.eye(PIXELS)
        above = np.vstack([np.append(-direction, 0), np.hstack([eye, -ones]), np.hstack([-eye, -ones])])
        limits = [*zip(-pixels, 1 - pixels, strict=True), (0, None)]
        right = [-margin, *np.zeros(2 * PIXELS)]
        solved = linprog([*np.zeros(PIXELS), 1], A_ub=above, b_ub=right, bounds=limits)
        assert float(own) == pytest.approx(solved.fun if solved.status == 0 else np.inf, rel=1e-5)


def test_no_smaller_change_in_any_direction_makes_it_sure():
    """Random signs, those of the templates' difference among them, just below the bound: never; the way found: ever."""
    own, tried = found(), 0
    signs = torch.randn((2000, PIXELS), generator=generator(1)).sign()
    for place, (image, target) in enumerate(zip(IMAGES, TARGETS.tolist(), strict=True)):
        if own.confident_least[place].isinf():
            continue
        best = (WEIGHT[target] - WEIGHT[LABELS[place]]).sign()
        size = (1 - 1e-4) * own.confident_least[place]
        moved = (image + size * torch.vstack([signs, best])).clamp(0, 1).double().numpy()
        assert (p_of(WEIGHT, moved, target) < 0.99).all()
        tried += 1
    assert tried > 10
    assert (own.confident_linf >= own.confident_least).all()


def test_of_two_classes_the_bound_is_reached():
    """Templates that differ by signs alone: the way along them is the shortest."""
    template = torch.randn(PIXELS, generator=generator(2)).sign()
    weight, images = torch.stack([-template, template]), torch.full((1, PIXELS), 0.5)
    labels, targets = torch.tensor([0]), torch.tensor([1])
    own = confident_steps.confident_steps(weight, torch.zeros(2), images, labels, targets)
    margin = np.log(99) + float((weight[0] - weight[1]) @ images[0])
    assert float(own.confident_least) == pytest.approx(margin / (2 * PIXELS), rel=1e-6)
    assert float(own.confident_linf) == pytest.approx(float(own.confident_least), rel=1e-6)


def test_weak_templates_are_never_sure_and_strong_ones_with_less():
    weak, strong, own = found(0.01 * WEIGHT), found(10 * WEIGHT), found()
    assert weak.confident_linf.isinf().all()
    assert weak.confident_least.isinf().all()
    both = own.confident_linf.isfinite() & strong.confident_linf.isfinite()
    assert both.any()
    assert (strong.confident_least <= own.confident_least).all()


def test_what_is_sure_already_needs_nothing():
    bias = torch.zeros(CLASSES).index_fill_(0, torch.tensor([3]), 999.0)
    labels, targets = torch.zeros(COUNT, dtype=torch.long), torch.full((COUNT,), 3)
    own = confident_steps.confident_steps(WEIGHT, bias, IMAGES, labels, targets)
    assert own.confident_linf.eq(0).all()
    assert own.confident_least.eq(0).all()


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunks_do_not_matter(monkeypatch, chunk):
    whole = found()
    for module in (closed_form, confident_steps):
        monkeypatch.setattr(module, "CHUNK", chunk)
    parts = found()
    torch.testing.assert_close(parts.confident_linf, whole.confident_linf)
    torch.testing.assert_close(parts.confident_least, whole.confident_least)


def test_many_images_are_as_one_by_one_with_a_bound_and_without():
    expected = [template_fraction(WEIGHT, BIAS, *own) for own in zip(IMAGES, TARGETS.tolist(), strict=True)]
    expected = torch.tensor([torch.inf if own is None else own for own in expected], dtype=torch.float64)
    torch.testing.assert_close(template_fractions(WEIGHT, BIAS, IMAGES, TARGETS), expected)
    least = found().confident_least
    torch.testing.assert_close(template_fractions(WEIGHT, BIAS, IMAGES, TARGETS, least=least), expected)
    fraction = expected[expected.isfinite()].max()
    place = int((expected == fraction).nonzero()[0])
    changed = clamped_sum(IMAGES[place].double(), WEIGHT[TARGETS[place]].double(), fraction)
    assert p_of(WEIGHT, changed[None].numpy(), int(TARGETS[place])) == pytest.approx(0.99, abs=1e-6)
