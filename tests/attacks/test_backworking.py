"""The search and its cost, against slow float64 references and by hand."""

import copy
import math
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import AdamState, broadcast_cost, reference_search, tensorflow_adam_step
from spurious.attacks.cost import NearestImage, NearestPerUnit, build_cost, reference_activations
from spurious.attacks.optimization import objective, optimize_images, run_searches
from spurious.attacks.optimization_rows import image_rows, label_probability, trace_rows
from spurious.attacks.settings import ImageOptimization
from spurious.classifiers.models import ConvNet, SoftmaxRegression, initialize
from spurious.classifiers.predictions import predict
from spurious.errors import SpuriousError
from spurious.perturbations.starts import STARTS
from spurious.seeding import generator

SCRIPTS = Path(__file__).parents[2] / "scripts"
SHAPE = (1, 8, 8)


pytestmark = pytest.mark.usefixtures("one_thread")


def network(seed=0, image_shape=SHAPE, classes=3):
    """A small CNN, untrained but of so large weights that p depends on the image."""
    model = ConvNet(image_shape, classes, (2, 4), 8)
    initialize(model, "published", generator(seed, "initialization"))
    for layer in (model.conv1, model.conv2, model.fc, model.out):
        layer.weight.data *= 6
        layer.bias.data.zero_()
    return model.eval().requires_grad_(False)


def noise(count, *parts, image_shape=SHAPE):
    return torch.rand((count, *image_shape), generator=generator(*parts))


def linear(rows):
    """A softmax regression without bias on one-row images, with these weights."""
    weight = torch.tensor(rows)
    model = SoftmaxRegression((1, 1, weight.shape[1]), len(weight)).requires_grad_(False)
    model.out.weight.copy_(weight)
    model.out.bias.zero_()
    return model.eval()


# --- the cost


def generated_images(kind, references):
    """8 generated images: noise, copies of references, near-copies, or one of each."""
    fresh = noise(8, "generated", image_shape=references.shape[1:])
    copies = references[torch.arange(8) * 3 % len(references)]
    near = (copies + 1e-3 * (fresh - 0.5)).clamp(0, 1)
    return {
        "noise": fresh,
        "some copies": torch.cat([fresh[:2], copies[2:]]),
        "near-copies": near,
        "one of each": torch.cat([fresh[:1], copies[1:2], near[2:]]),
    }[kind]


KINDS = ["noise", "some copies", "near-copies", "one of each"]
NETS = [(0, (1, 8, 8)), (1, (1, 9, 7)), (2, (3, 6, 6))]


def double(layers):
    return {name: layer.detach().double().requires_grad_() for name, layer in layers.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "image_shape"), NETS)
@pytest.mark.parametrize("label", [0, 2])
def test_cost_and_gradients_equal_the_broadcast_reference(kind, seed, image_shape, label):
    """From equal activations; what a classifier in float32 makes of the pixels is another matter."""
    model = network(seed, image_shape)
    references = noise(30, seed, label, "references", image_shape=image_shape)
    hidden = reference_activations(model, references, batch_size=7)
    generated = model.activations(generated_images(kind, references))
    layers = {name: layer.detach().requires_grad_() for name, layer in generated.items()}
    exact = double(generated)
    p, exact_p = (layer["softmax"].softmax(1)[:, label] for layer in (layers, exact))
    choices = ImageOptimization(reference_weight=0.7, batch_weight=0.3)

    value = build_cost(hidden, choices)(layers, p)
    expected = broadcast_cost(exact, double(hidden), exact_p, choices)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    value.backward()
    expected.backward()
    for name, layer in layers.items():
        size = exact[name].grad.abs().max().item()
        torch.testing.assert_close(layer.grad.double(), exact[name].grad, rtol=1e-4, atol=1e-5 * size, msg=name)


@pytest.mark.parametrize("kind", ["noise", "some copies"])
@pytest.mark.parametrize(("seed", "image_shape"), NETS)
def test_gradients_of_the_pixels_equal_those_in_float64(kind, seed, image_shape):
    model = network(seed, image_shape)
    references = noise(30, seed, "references", image_shape=image_shape)
    images = generated_images(kind, references).requires_grad_()
    choices = ImageOptimization()
    cost = build_cost(reference_activations(model, references), choices)
    value = objective(model.activations(images), 1, choices, cost)
    (gradient,) = torch.autograd.grad(value, images)

    exact_model, exact_images = copy.deepcopy(model).double(), images.detach().double().requires_grad_()
    hidden, layers = exact_model.activations(references.double()), exact_model.activations(exact_images)
    del hidden["softmax"]
    expected = broadcast_cost(layers, hidden, layers["softmax"].softmax(1)[:, 1], choices)
    (exact,) = torch.autograd.grad(expected, exact_images)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(gradient.double(), exact, rtol=1e-3, atol=1e-4 * exact.abs().max().item())


def test_cost_golden():
    """Two images of one pixel, 0 and 1; references .25 and .5: nearest .0625 and .25, all pairs' mean .5."""
    layers = {"input": torch.tensor([[0.0], [1.0]])}
    choices = ImageOptimization(layer_weights={"input": 2.0, "softmax": 3.0}, reference_weight=0.25, batch_weight=0.75)
    cost = build_cost({"input": torch.tensor([[0.25], [0.5]])}, choices)
    expected = 2 * (0.25 / 0.15625 + 0.75 / 0.5) + 3 * (0.9 + 0.2) / 2
    assert cost(layers, torch.tensor([0.1, 0.8])).item() == pytest.approx(expected)


def cost_and_gradient(images, references, **weights):
    """Of images (N, pixels) at the layer input, whose p is .5."""
    images = images.clone().requires_grad_()
    choices = ImageOptimization(layer_weights={"input": 2.0, "softmax": 3.0}, **weights)
    value = build_cost({"input": references}, choices)({"input": images}, torch.full((len(images),), 0.5))
    return value.item(), torch.autograd.grad(value, images)[0]


DISTANT = torch.tensor([[0.0, 0.5], [1.0, 0.25]])


@pytest.mark.parametrize("distance", [0.0, 1e-30, 1e-23, 1e-19, 1e-10])
def test_copies_of_references_have_a_finite_cost(distance):
    """Distances whose square is no float any more, too."""
    value, gradient = cost_and_gradient(DISTANT + distance, DISTANT, batch_weight=0.0)
    assert 1 < value < math.inf
    assert gradient.isfinite().all()


def test_at_a_copy_only_the_other_terms_push():
    _, both = cost_and_gradient(DISTANT, DISTANT)
    _, apart = cost_and_gradient(DISTANT, DISTANT, reference_weight=0.0)
    torch.testing.assert_close(both, apart)
    assert apart.abs().max() > 0


@pytest.mark.parametrize("count", [1, 3])
def test_equal_images_have_a_finite_cost(count):
    """So has a single one, which differs from no other."""
    value, gradient = cost_and_gradient(torch.full((count, 2), 0.3), DISTANT)
    assert value < math.inf
    _, apart = cost_and_gradient(torch.full((count, 2), 0.3), DISTANT, batch_weight=0.0)
    torch.testing.assert_close(gradient, apart)


def test_a_term_without_weight_is_nothing_at_any_distance():
    value, gradient = cost_and_gradient(DISTANT, DISTANT, reference_weight=0.0, batch_weight=0.0)
    assert value == 1.5
    assert not gradient.any()


def test_as_many_averages_as_references_are_searched():
    """Each average is a training image itself."""
    searches = {"averages": ImageOptimization(start="averages", max_steps=5, stop_min_p=None)}
    found = run_searches(network(3), 2, noise(4, "references"), searches, images=4, seed=7)["averages"]
    assert found.trace.isfinite().all()
    assert found.images.isfinite().all()
    assert (found.trace[-1] > found.trace[0]).any()


def test_a_single_image_is_searched():
    found = run_searches(
        network(3), 2, noise(20, "references"), {"cost": ImageOptimization(max_steps=5)}, images=1, seed=7
    )
    assert found["cost"].trace.isfinite().all()


def test_only_the_fc_layer_takes_the_nearest_of_each_unit():
    references = torch.tensor([[0.0, 4.0], [4.0, 0.0]])
    generated = torch.zeros(1, 2)
    assert NearestPerUnit(references).distances(generated).tolist() == [[0, 0]]
    assert NearestImage(references).distances(generated).tolist() == [8]
    terms = {
        term.name: type(term.references)
        for term in build_cost({"input": references, "fc": references}, ImageOptimization()).terms
    }
    assert terms == {"input": NearestImage, "fc": NearestPerUnit}


def brute_force_per_unit(generated, references):
    return (generated[:, None] - references[None]).square().amin(1)


floats = st.one_of(
    st.integers(-3, 3).map(float), st.floats(-1e3, 1e3, width=32, allow_nan=False, allow_subnormal=False)
)


@given(st.data())
@settings(max_examples=200)
def test_nearest_per_unit_equals_brute_force(data):
    units, count, rows = (data.draw(st.integers(1, most)) for most in (3, 4, 6))

    def matrix(height):
        cells = st.lists(floats, min_size=height * units, max_size=height * units)
        return torch.tensor(data.draw(cells), dtype=torch.float32).view(height, units)

    generated, references = matrix(count), matrix(rows)
    assert torch.equal(NearestPerUnit(references).distances(generated), brute_force_per_unit(generated, references))


def test_nearest_per_unit_with_ties_copies_and_values_beyond_all():
    references = torch.tensor([[1.0], [3.0], [3.0], [7.0]])
    generated = torch.tensor([[2.0], [5.0], [3.0], [-1.0], [9.0], [1.0], [7.0]])
    assert NearestPerUnit(references).distances(generated).flatten().tolist() == [1, 4, 0, 4, 4, 0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_nearest_image_equals_brute_force(kind):
    references = noise(40, "references")
    generated = generated_images(kind, references)
    exact = (generated.double()[:, None] - references.double()).square().flatten(2).mean(2).amin(1)
    distances = NearestImage(references).distances(generated)
    torch.testing.assert_close(distances.double(), exact, rtol=1e-5, atol=0)
    if kind == "some copies":
        assert distances[2:].tolist() == [0] * 6


def test_a_layer_without_weight_is_told():
    weights = {"input": 1e-5, "conv1": 1e-4, "fc": 1e-2, "softmax": 10.0}
    with pytest.raises(SpuriousError, match=r"^layer_weights: .*'conv2'") as error:
        run_searches(network(), 0, noise(5, "r"), {"a": ImageOptimization(layer_weights=weights)}, images=2, seed=0)
    assert "\n" not in str(error.value)
    del weights["softmax"]
    with pytest.raises(SpuriousError, match="'softmax'"):
        build_cost({"input": torch.zeros(1, 1)}, ImageOptimization(layer_weights=weights))


def test_weights_of_layers_that_the_classifier_lacks_are_not_used():
    """The published weights serve a softmax regression as they are."""
    found = run_searches(
        linear([[1.0, -1.0], [-1.0, 1.0]]),
        0,
        noise(5, "r", image_shape=(1, 1, 2)),
        {"a": ImageOptimization()},
        images=2,
        seed=0,
    )
    assert found["a"].images.isfinite().all()


MEASURE = """
import re
from pathlib import Path
import torch
from spurious.attacks.cost import build_cost
from spurious.classifiers.models import ConvNet
from spurious.attacks.settings import ImageOptimization
torch.set_num_threads(1)
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
model = ConvNet((1, 28, 28), 10, (32, 64), 1024)
images = torch.rand(8, 1, 28, 28, requires_grad=True)
layers = model.activations(images)
torch.autograd.grad(layers["softmax"].sum(), images, retain_graph=True)
references = {name: torch.rand(6742, *layer.shape[1:]) for name, layer in layers.items() if name != "softmax"}
before = peak()
cost = build_cost(references, ImageOptimization())
torch.autograd.grad(cost(layers, layers["softmax"].softmax(1)[:, 1]), images)
grown = peak() - before
name = max(references, key=lambda name: references[name].numel())
before = peak()
layers[name][:4, None] - references[name]
print(references[name].nbytes / 2**20, grown, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of a process")
def test_the_cost_of_6742_references_needs_little_memory():
    """Label 1 of MNIST in the published CNN: a copy of the largest layer's references, and little beside it.

    The same measure notices a broadcast of half of the images. Not by getrusage, whose maximum counts what the tests'
    own process was when it started this one.
    """
    command = [sys.executable, "-c", MEASURE]
    environment = {"PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "1"}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    copy, cost, broadcast = map(float, output.split())  # MiB
    assert cost < 1.25 * copy < broadcast


# --- Adam


def test_adam_steps_golden():
    """The first step by hand, and where epsilon is negligible PyTorch's."""
    step = tensorflow_adam_step(np.array([1.0]), np.array([1e-8]), AdamState(), 0.01)
    assert step.item() == pytest.approx(1 - 0.01 * 1e-8 / (1e-8 + 1e-8 / math.sqrt(0.001)))
    x, state = np.array([1.0, -2.0]), AdamState()
    parameter = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([parameter], lr=0.05)
    for _ in range(5):
        x = tensorflow_adam_step(x, 4 * x**3, state, 0.05)
        optimizer.zero_grad()
        parameter.pow(4).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(parameter.detach(), x, rtol=1e-6)


def test_small_gradients_move_the_pixels_as_tensorflow_would():
    """At gradients as small as epsilon PyTorch's own Adam moves them many times further."""
    weights = [[2e-9, -1e-8, 5e-8], [0.0, 0.0, 0.0]]
    start = torch.full((1, 1, 1, 3), 0.5)
    choices = ImageOptimization(objective="logit", max_steps=4, stop_min_p=None, reinitialize_after=0)
    result = optimize_images(linear(weights), 0, start, choices, generator(0))
    x, state = np.full(3, 0.5), AdamState()
    for _ in range(4):
        x = tensorflow_adam_step(x, -np.array(weights[0]), state, choices.learning_rate)
    np.testing.assert_allclose(result.images.flatten() - 0.5, x - 0.5, rtol=1e-3, atol=1e-7)


# --- the search


PRESSED = {"input": 0.1, "conv1": 0.1, "conv2": 0.1, "fc": 0.1, "softmax": 0.5}  # the terms outweigh p: some p fall
SEARCHES = {
    "published": {},
    "unclamped": {"clamp": False},
    "mean": {"stop_min_p": None, "stop_mean_p": 0.9},
    "at least": {"min_steps": 20, "max_steps": 25},
    "slower": {"max_steps": 12, "learning_rate": 0.003},
    "replacing": {"layer_weights": PRESSED, "max_steps": 25},
    "replacing, unclamped": {"layer_weights": PRESSED, "max_steps": 25, "clamp": False, "reinitialize_after": 2},
    "replacing below a tenth": {"layer_weights": PRESSED, "max_steps": 25, "reinitialize_below": 0.1},
    "replacing soon": {"layer_weights": PRESSED, "max_steps": 10, "reinitialize_after": 2},
}


def both_searches(label, choices, dtype):
    """Our result and the reference's, from the same start and noise."""
    model, references, start = network(3).to(dtype), noise(20, "references").to(dtype), noise(5, "start").to(dtype)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # for the noise of images that start again
    try:
        cost = build_cost(reference_activations(model, references), choices)
        restarts = generator("restart")
        expected = reference_search(
            model, label, start, references, choices, lambda count: torch.rand((count, *SHAPE), generator=restarts)
        )
        return optimize_images(model, label, start, choices, generator("restart"), cost), expected
    finally:
        torch.set_default_dtype(before)


def assert_equal_searches(result, expected, tolerance):
    assert result.steps == len(expected.trace) - 1
    assert result.reinitialized.tolist() == expected.reinitialized
    np.testing.assert_allclose(result.trace, expected.trace, rtol=0, atol=tolerance)
    np.testing.assert_allclose(result.images, expected.images, rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_search_in_float64_equals_the_reference(name, label):
    """In float64, since float32's rounding decides whether a p that hardly moves has risen."""
    assert_equal_searches(*both_searches(label, ImageOptimization(**SEARCHES[name]), torch.float64), 1e-8)


def test_search_in_float32_equals_the_reference():
    result, expected = both_searches(1, ImageOptimization(), torch.float32)
    assert_equal_searches(result, expected, 1e-5)
    assert 5 < result.steps < 60
    assert result.trace[-2].min() <= 0.999 < result.trace[-1].min()


def test_the_compared_searches_stop_and_replace():
    """Else the comparisons above would compare little."""
    steps = {name: both_searches(1, ImageOptimization(**SEARCHES[name]), torch.float64)[0].steps for name in SEARCHES}
    assert steps["mean"] < steps["published"] < 20 <= steps["at least"] < 25
    replaced = both_searches(2, ImageOptimization(**SEARCHES["replacing"]), torch.float64)[0].reinitialized
    assert replaced.sum() > 0


def pushed(start, directions, **changes):
    """Images of one pixel that are pushed up (+1) or down (-1) by .01 a step; p = sigmoid(2 pixel)."""
    choices = ImageOptimization(**{"clamp": False, "stop_min_p": None, "max_steps": 10} | changes)
    down = -torch.tensor(directions, dtype=torch.float32)
    images = torch.tensor(start).view(-1, 1, 1, 1)
    return optimize_images(
        linear([[1.0], [-1.0]]),
        0,
        images,
        choices,
        generator(0),
        lambda layers, p: (down * layers["input"].flatten()).sum(),
    )


def pixels(result):
    """(steps + 1, N): every image's pixel before a possible replacement."""
    return result.trace.logit() / 2


def test_only_images_that_fell_for_so_many_steps_start_again():
    result = pushed([0.5, 0.5, 0.6], [-1, 1, -1])
    assert result.reinitialized.tolist() == [3, 0, 3]  # after the steps 3, 6 and 9
    drawn = generator(0)
    first, second, third = (torch.rand((2, 1, 1, 1), generator=drawn).flatten() for _ in range(3))
    values = pixels(result)[:, [0, 2]]
    for step, expected in [(3, torch.tensor([0.47, 0.57])), (4, first - 0.01), (6, first - 0.03), (7, second - 0.01)]:
        torch.testing.assert_close(values[step], expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(values[10], third - 0.01, rtol=0, atol=1e-5)
    torch.testing.assert_close(pixels(result)[:, 1], 0.5 + 0.01 * torch.arange(11), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reinitialize_after": 5}, 1),  # after step 5; what is found after the last step is kept
        ({"reinitialize_after": 4}, 2),
        ({"reinitialize_after": 2}, 4),
        ({"reinitialize_after": 11}, 0),
        ({"reinitialize_after": 0}, 0),
        ({"max_steps": 3}, 0),
        ({"max_steps": 4}, 1),
        ({"reinitialize_below": 0.5}, 0),  # p = sigmoid(1) = .73 at the start
    ],
)
def test_how_often_a_falling_image_starts_again(changes, expected):
    assert pushed([0.5], [-1], **changes).reinitialized.tolist() == [expected]


@pytest.mark.parametrize("after", [0, 2, 3])
def test_images_whose_p_rises_are_left_alone(after):
    result = pushed([0.1] * 8, [1] * 8, reinitialize_after=after, max_steps=6)
    assert result.reinitialized.tolist() == [0] * 8
    torch.testing.assert_close(pixels(result)[6], torch.full((8,), 0.16), rtol=0, atol=1e-5)


def test_one_value_of_p_tells_no_rise():
    message = r"^reinitialize_after: 1 is not allowed: values of p without a rise .*; use 2 or more, or 0 for never$"
    with pytest.raises(SpuriousError, match=message):
        ImageOptimization().changed(reinitialize_after=1)


def test_a_falling_image_starts_again_only_below_the_limit():
    """p = sigmoid(1 - .02 t) is above .7 until the eighth step."""
    result = pushed([0.5], [-1], reinitialize_below=0.7, max_steps=9)
    assert result.reinitialized.tolist() == [1]
    torch.testing.assert_close(pixels(result)[:9, 0], 0.5 - 0.01 * torch.arange(9), rtol=0, atol=1e-5)
    assert result.trace[7, 0] > 0.7 > result.trace[8, 0]


def test_a_p_that_stands_still_has_not_risen():
    result = pushed([0.0, 0.3], [-1, 1], clamp=True, max_steps=4)
    assert result.trace[:4, 0].tolist() == [0.5] * 4
    assert result.reinitialized.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, 10),
        ({"max_steps": 3}, 3),
        ({"stop_min_p": "min"}, 5),
        ({"stop_mean_p": "mean"}, 5),
        ({"stop_min_p": "mean"}, 10),  # the smallest does not get there
        ({"stop_min_p": "min", "min_steps": 5}, 5),
        ({"stop_min_p": "min", "min_steps": 7}, 7),
        ({"stop_min_p": "min", "max_steps": 4}, 4),
        ({"stop_mean_p": "mean", "min_steps": 8}, 8),
    ],
)
def test_a_search_stops_as_soon_as_p_exceeds(changes, steps):
    start = [0.1, 0.5]
    free = pushed(start, [1, 1])
    between = free.trace[4:6].double()
    limits = {"min": between.amin(1).mean().item(), "mean": between.mean().item()}
    changes = {key: limits.get(value, value) for key, value in changes.items()}
    result = pushed(start, [1, 1], **changes)
    assert result.steps == steps
    assert torch.equal(result.trace, free.trace[: steps + 1])


def test_the_limit_itself_does_not_stop():
    free = pushed([0.1], [1])
    assert pushed([0.1], [1], stop_min_p=free.trace[4, 0].item()).steps == 5


@pytest.mark.parametrize(
    ("tolerance", "min_steps", "steps"), [(0.6, 0, 3), (0.2, 0, 4), (0.2, 6, 6), (0.05, 0, 5), (0.0, 0, 8), (1e9, 0, 2)]
)
def test_a_search_stops_when_the_objective_hardly_moves(tolerance, min_steps, steps):
    values = iter([5.0, 4.0, 3.5, 3.4, 3.4, 3.4, 3.4, 3.4])
    choices = ImageOptimization(tolerance=tolerance, min_steps=min_steps, max_steps=8, stop_min_p=None)
    start = torch.full((1, 1, 1, 1), 0.5)
    result = optimize_images(
        linear([[1.0], [-1.0]]),
        0,
        start,
        choices,
        generator(0),
        lambda layers, p: 0 * layers["input"].sum() + next(values),
    )
    assert result.steps == steps


@pytest.mark.parametrize(("kind", "expected"), [("log_p", math.log(2)), ("logit", -1.5)])
def test_objectives_golden(kind, expected):
    """Logits (1, 1) and (2, 2): p is a half, the label's logit 1.5 on average."""
    layers = {"softmax": torch.tensor([[1.0, 1.0], [2.0, 2.0]])}
    assert objective(layers, 1, ImageOptimization(objective=kind), None).item() == pytest.approx(expected)


def test_log_p_does_not_saturate():
    layers = {"softmax": torch.tensor([[200.0, 0.0]])}
    assert objective(layers, 1, ImageOptimization(objective="log_p"), None).item() == pytest.approx(200)


@pytest.mark.parametrize("kind", ["log_p", "logit"])
def test_the_first_step_on_a_linear_model_follows_the_weights(kind):
    model, start = linear([[2.0, -1.0, 0.0], [-1.0, 3.0, 0.0]]), torch.full((2, 1, 1, 3), 0.5)
    choices = ImageOptimization(objective=kind, max_steps=1, learning_rate=0.03)
    result = optimize_images(model, 0, start, choices, generator(0))
    torch.testing.assert_close(result.images[:, 0, 0], torch.tensor([[0.53, 0.47, 0.5]] * 2), rtol=0, atol=1e-5)
    assert (result.trace[1] > result.trace[0]).all()


@pytest.mark.parametrize("kind", ["cost", "log_p", "logit"])
@pytest.mark.parametrize("clamp", [True, False])
def test_only_unclamped_pixels_leave_the_unit_interval(kind, clamp):
    choices = ImageOptimization(objective=kind, clamp=clamp, learning_rate=0.05, stop_min_p=None, max_steps=20)
    result = run_searches(network(3), 0, noise(20, "references"), {"a": choices}, images=4, seed=0)["a"]
    assert result.clamped == clamp
    assert (result.images.min() >= 0 and result.images.max() <= 1) == clamp
    assert result.images.isfinite().all()


def test_the_trace_is_that_of_the_images():
    model, start = network(3), noise(4, "start")
    result = optimize_images(
        model, 1, start, ImageOptimization(objective="log_p", max_steps=7, stop_min_p=None), generator(0)
    )
    torch.testing.assert_close(result.trace[0], predict(model, start)[:, 1])
    torch.testing.assert_close(result.trace[-1], predict(model, result.images)[:, 1])
    assert result.trace.shape == (8, 4)
    assert result.images.dtype == torch.float32
    assert torch.equal(start, noise(4, "start")), "the start is left alone"
    assert not result.images.requires_grad
    assert not result.trace.requires_grad


# --- the attack and its rows


def test_averages_are_means_of_disjoint_parts():
    """Reference i is 1 at pixel i: an average shows who is in it."""
    references = torch.eye(11).view(11, 1, 1, 11)
    averages = STARTS["averages"](4, references, generator(0)).view(4, 11)
    assert ((averages > 0).sum(0) == 1).all()
    sizes = (averages > 0).sum(1)
    assert sorted(sizes.tolist()) == [2, 3, 3, 3]
    torch.testing.assert_close(averages.amax(1), 1 / sizes)
    assert not torch.equal(averages, STARTS["averages"](4, references, generator(1)).view(4, 11))


def test_uniform_starts_fill_the_unit_interval():
    start = STARTS["uniform"](50, noise(3, "r"), generator(0))
    assert start.shape == (50, *SHAPE)
    assert 0 <= start.min() < 0.01 < 0.99 < start.max() < 1
    assert start.mean().item() == pytest.approx(0.5, abs=0.02)


ATTACKS = {
    "cost": ImageOptimization(max_steps=8),
    "log-p": ImageOptimization(objective="log_p", max_steps=6, reinitialize_after=2),
    "averages": ImageOptimization(objective="logit", start="averages", max_steps=3),
    "still": ImageOptimization.model_construct(objective="log_p", max_steps=0),
    "still averages": ImageOptimization.model_construct(start="averages", max_steps=0),
}


def test_all_searches_begin_from_the_same_images():
    model, references = network(3), noise(20, "references")
    found = run_searches(model, 2, references, ATTACKS, images=4, seed=7)
    assert list(found) == list(ATTACKS)
    start = found["still"].images
    assert torch.equal(start, STARTS["uniform"](4, references, generator(7, "start", 2)))
    for name in ("cost", "log-p"):
        assert torch.equal(found[name].trace[0], found["still"].trace[0])
        assert not torch.equal(found[name].images, start)
    assert torch.equal(found["averages"].trace[0], found["still averages"].trace[0])
    for other in (
        run_searches(model, 2, references, ATTACKS, images=4, seed=8),
        run_searches(model, 1, references, ATTACKS, images=4, seed=7),
    ):
        assert not torch.equal(other["still"].images, start)


def test_starts_and_restarts_are_drawn_from_streams_of_their_own():
    """Of a constant classifier nothing rises and nothing moves: all images start again after two steps, and stay."""
    searches = {
        "still": ImageOptimization.model_construct(objective="log_p", max_steps=0),
        "again": ImageOptimization.model_construct(objective="log_p", max_steps=3, reinitialize_after=2, tolerance=-1),
    }
    found = run_searches(linear([[0.0], [0.0]]), 1, torch.zeros(5, 1, 1, 1), searches, images=4, seed=7)
    assert found["again"].reinitialized.tolist() == [1] * 4
    for name, stream in (("still", "start"), ("again", "restart")):
        assert torch.equal(found[name].images, torch.rand((4, 1, 1, 1), generator=generator(7, stream, 1)))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_search_does_not_depend_on_the_others(name):
    model, references = network(3), noise(20, "references")
    together = run_searches(model, 2, references, ATTACKS, images=4, seed=7)[name]
    alone = run_searches(model, 2, references, {name: ATTACKS[name]}, images=4, seed=7)[name]
    assert torch.equal(together.images, alone.images)
    assert torch.equal(together.trace, alone.trace)
    assert torch.equal(together.reinitialized, alone.reinitialized)


def test_the_classifier_is_left_alone():
    model = network(3)
    before = copy.deepcopy(model.state_dict())
    run_searches(model, 2, noise(20, "references"), ATTACKS, images=2, seed=0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_search_finds_what_a_still_one_does_not():
    """The negative case: an attack that takes no steps, and one that takes a single one, find nothing."""
    model, label, references = network(3), 0, noise(20, "references")
    choices = {
        steps: ImageOptimization.model_construct(objective="log_p", learning_rate=0.03, max_steps=steps)
        for steps in (0, 1, 200)
    }
    found = run_searches(model, label, references, choices, images=6, seed=0)
    scores = partial(predict, model)
    best = {steps: label_probability(scores, label, result.images)["p"].max() for steps, result in found.items()}
    assert best[0] <= best[1] < 0.5
    assert label_probability(scores, label, found[200].images)["p"].min() > 0.99


def test_rows_tell_every_image_as_the_classifier_judges_it():
    model, label = network(3), 2
    choices = {
        "a": ImageOptimization(max_steps=5),
        "b": ImageOptimization(clamp=False, max_steps=30, learning_rate=0.05),
    }
    found = run_searches(model, label, noise(20, "references"), choices, images=3, seed=0)
    parts = image_rows(partial(predict, model), label, found, {"classifier": "cnn", "seed": 4, "label": label})
    assert [set(part["search"]) for part in parts] == [{"a"}, {"b"}, {"b, clamped"}]
    columns = ["classifier", "seed", "label", "search", "image", "steps", "reinitialized", "predicted", "p"]
    stored = {"a": found["a"].images, "b": found["b"].images, "b, clamped": found["b"].images.clip(0, 1)}
    for part in parts:
        name = part["search"].iloc[0]
        probabilities = predict(model, stored[name])
        assert list(part.columns) == columns
        assert part["image"].tolist() == [0, 1, 2]
        assert part["p"].tolist() == probabilities[:, label].tolist()
        assert part["predicted"].tolist() == probabilities.argmax(1).tolist()
        assert set(part["steps"]) == {found[name.split(",")[0]].steps}
        assert part["reinitialized"].tolist() == found[name.split(",")[0]].reinitialized.tolist()
    assert parts[1]["p"].tolist() != parts[2]["p"].tolist()


def test_trace_rows_tell_every_step():
    found = run_searches(
        network(3), 1, noise(20, "references"), {"a": ImageOptimization(max_steps=4, stop_min_p=None)}, images=3, seed=0
    )
    (rows,) = trace_rows(found, {"seed": 4})
    assert list(rows.columns) == ["seed", "search", "step", "image", "p"]
    assert len(rows) == 15
    for row in rows.itertuples():
        assert row.p == found["a"].trace[row.step, row.image].item()
