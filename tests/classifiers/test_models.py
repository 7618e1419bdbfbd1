"""The classifiers: their layers, their initialization, and what a weights file must hold."""

import json
import math

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from pipeline.files.weights import load_classifier, read_description, write_weights
from spurious.classifiers.models import Description, SoftmaxRegression, build_classifier, initialize
from spurious.errors import SpuriousError
from spurious.registry import parse
from spurious.seeding import generator

PUBLISHED = Description(architecture="cnn", image_shape=(1, 28, 28), classes=10)
CPU = torch.device("cpu")


def small(image_shape=(1, 8, 8), **changes):
    return Description(
        **{"architecture": "cnn", "image_shape": image_shape, "classes": 3, "channels": (2, 4), "units": 5} | changes
    )


def count_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_published_size():
    assert count_parameters(build_classifier(PUBLISHED)) == 3_274_634
    softmax = build_classifier(PUBLISHED.changed(architecture="softmax"))
    assert count_parameters(softmax) == 7_850
    assert isinstance(softmax, SoftmaxRegression)


def test_published_layers():
    layers = build_classifier(PUBLISHED).activations(torch.rand(2, 1, 28, 28))
    assert {name: tuple(layer.shape) for name, layer in layers.items()} == {
        "input": (2, 1, 28, 28),
        "conv1": (2, 32, 14, 14),
        "conv2": (2, 64, 7, 7),
        "fc": (2, 1024),
        "softmax": (2, 10),
    }
    assert list(layers)[-1] == "softmax"


@pytest.mark.parametrize("architecture", ["cnn", "softmax"])
def test_forward_gives_the_logits_of_the_activations(architecture):
    torch.manual_seed(0)
    model = build_classifier(small(architecture=architecture))
    images = torch.rand(5, 1, 8, 8)
    layers = model.activations(images)
    assert torch.equal(model(images), layers["softmax"])
    assert torch.equal(layers["input"], images)


def test_softmax_regression_has_no_hidden_layer():
    model = build_classifier(small((3, 4, 5), architecture="softmax"))
    images = torch.rand(2, 3, 4, 5)
    assert list(model.activations(images)) == ["input", "softmax"]
    expected = images.flatten(1) @ model.out.weight.T + model.out.bias
    torch.testing.assert_close(model(images), expected)


def same_pool(images):
    """TensorFlow's 2x2 max pooling with "SAME": what is missing at the right and the bottom counts as -inf."""
    height, width = images.shape[2:]
    return F.max_pool2d(F.pad(images, (0, width % 2, 0, height % 2), value=-math.inf), 2)


@pytest.mark.parametrize("image_shape", [(1, 8, 8), (1, 9, 7), (3, 5, 6), (1, 1, 3), (2, 13, 13)])
def test_layers_equal_those_padded_by_hand(image_shape):
    torch.manual_seed(1)
    model = build_classifier(small(image_shape)).double()
    images = torch.rand(2, *image_shape, dtype=torch.float64)
    conv1 = same_pool(F.conv2d(F.pad(images, (2, 2, 2, 2)), model.conv1.weight, model.conv1.bias).relu())
    conv2 = same_pool(F.conv2d(F.pad(conv1, (2, 2, 2, 2)), model.conv2.weight, model.conv2.bias).relu())
    fc = conv2.reshape(2, -1) @ model.fc.weight.T + model.fc.bias
    logits = fc.clamp(min=0) @ model.out.weight.T + model.out.bias
    expected = {"input": images, "conv1": conv1, "conv2": conv2, "fc": fc, "softmax": logits}
    layers = model.activations(images)
    assert layers.keys() == expected.keys()
    for name, layer in layers.items():
        torch.testing.assert_close(layer, expected[name], msg=name)
    assert (fc < 0).any(), "the fc layer is read before its ReLU"


def weights_and_biases(model):
    parameters = dict(model.named_parameters())
    return (
        {name: value.detach() for name, value in parameters.items() if name.endswith("weight")},
        {name: value.detach() for name, value in parameters.items() if name.endswith("bias")},
    )


def test_published_initialization():
    model = build_classifier(PUBLISHED)
    initialize(model, "published", generator(0, "initialization"))
    weights, biases = weights_and_biases(model)
    assert all((bias == torch.tensor(0.1)).all() for bias in biases.values())
    for name, weight in weights.items():
        assert weight.abs().max() <= 0.2, name
        # standard deviation of a normal truncated at two sigma: .1 * .8796
        assert weight.std().item() == pytest.approx(0.08796, rel=5 / math.sqrt(2 * weight.numel())), name
        assert abs(weight.mean().item()) < 5 * 0.088 / math.sqrt(weight.numel()), name
    everything = torch.cat([weight.flatten() for weight in weights.values()])
    # a truncated normal has 71.5 % within one sigma, a clamped one 68.3 % and a pile at the ends
    assert (everything.abs() < 0.1).float().mean().item() == pytest.approx(0.6827 / 0.9545, abs=0.002)
    assert (everything.abs() > 0.1999).float().mean() < 0.001


@pytest.mark.parametrize(("scheme", "draw"), [("published", "trunc_normal_"), ("pytorch", "uniform_")])
def test_parameters_are_drawn_on_the_cpu_whatever_the_device(scheme, draw, monkeypatch):
    """torch refuses to draw on a GPU from the generator of a CPU; the meta device stands for a GPU here."""
    places, original = [], getattr(torch.nn.init, draw)

    def noting(tensor, *arguments, **options):
        places.append(tensor.device.type)
        return original(tensor, *arguments, **options)

    with torch.device("meta"):
        model = build_classifier(small())
    monkeypatch.setattr(torch.nn.init, draw, noting)
    initialize(model, scheme, generator(0, "initialization"))
    assert places
    assert set(places) == {"cpu"}
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_pytorch_initialization():
    model = build_classifier(PUBLISHED)
    initialize(model, "pytorch", generator(0, "initialization"))
    for layer in (model.conv1, model.conv2, model.fc, model.out):
        bound = 1 / math.sqrt(layer.weight[0].numel())
        assert 0.99 * bound < layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert 0 < layer.bias.abs().max() <= bound


@pytest.mark.parametrize("scheme", ["published", "pytorch"])
def test_initialization_depends_on_the_generator_alone(scheme):
    def drawn(global_seed, seed):
        torch.manual_seed(global_seed)
        model = build_classifier(small())
        state = torch.random.get_rng_state()
        initialize(model, scheme, generator(seed))
        assert torch.equal(torch.random.get_rng_state(), state)
        return torch.cat([value.flatten() for value in model.state_dict().values()])

    assert torch.equal(drawn(0, 5), drawn(1, 5))
    assert not torch.equal(drawn(0, 5), drawn(0, 6))


@pytest.mark.parametrize(
    "description",
    [small(), small((3, 9, 7), classes=4, channels=(3, 2), units=6), small(architecture="softmax"), PUBLISHED],
)
def test_weights_survive_their_file(tmp_path, description):
    model, path = build_classifier(description), tmp_path / "weights.safetensors"
    write_weights(path, model, description)
    loaded = load_classifier(path, CPU)
    assert read_description(path) == description
    assert type(loaded) is type(model)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_weights_in_channels_last_survive_their_file(tmp_path):
    """A trained classifier has that memory format."""
    model, path = build_classifier(small()).to(memory_format=torch.channels_last), tmp_path / "weights.safetensors"
    write_weights(path, model, small())
    images = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(load_classifier(path, CPU)(images), model(images))


def of_other_architecture(path):
    write_weights(path, build_classifier(small()), small(architecture="softmax"))


def of_other_widths(path):
    write_weights(path, build_classifier(small()), small(units=6))


def truncated(path):
    write_weights(path, build_classifier(small()), small())
    path.write_bytes(path.read_bytes()[:-100])


def truncated_header(path):
    write_weights(path, build_classifier(small()), small())
    path.write_bytes(path.read_bytes()[:50])


def no_safetensors(path):
    path.write_text("<html>\nnot found\n</html>")


def empty(path):
    path.write_bytes(b"")


def absent(path):
    pass


def without_description(path):
    save_file(build_classifier(small()).state_dict(), path)


def with_metadata(path, text):
    save_file(build_classifier(small()).state_dict(), path, {"classifier": text})


def unreadable_description(path):
    with_metadata(path, "{")


def unknown_key(path):
    with_metadata(path, json.dumps(small().model_dump(mode="json") | {"depth": 3}))


def missing_key(path):
    with_metadata(path, json.dumps({"architecture": "cnn"}))


def flat_image_shape(path):
    with_metadata(path, json.dumps(small().model_dump(mode="json") | {"image_shape": [64]}))


def no_mapping(path):
    with_metadata(path, "3")


@pytest.mark.parametrize(
    "make",
    [
        of_other_architecture,
        of_other_widths,
        truncated,
        truncated_header,
        no_safetensors,
        empty,
        absent,
        without_description,
        unreadable_description,
        unknown_key,
        missing_key,
        flat_image_shape,
        no_mapping,
    ],
)
def test_what_is_no_classifier_is_told_in_one_line(tmp_path, make):
    path = tmp_path / "weights.safetensors"
    make(path)
    with pytest.raises(SpuriousError, match=r"^.*weights\.safetensors: not .*again$") as error:
        load_classifier(path, CPU)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")


def test_an_unknown_architecture_is_told(tmp_path):
    path = tmp_path / "weights.safetensors"
    with_metadata(path, json.dumps(small().model_dump(mode="json") | {"architecture": "vgg"}))
    with pytest.raises(SpuriousError, match="vgg"):
        load_classifier(path, CPU)


def test_lenet_is_the_published_one():
    model = build_classifier(parse(Description, {"architecture": "lenet", "image_shape": [1, 28, 28], "classes": 10}))
    assert count_parameters(model) == 520 + 25_050 + 800 * 500 + 500 + 5010
    assert {name: tuple(layer.shape) for name, layer in model.activations(torch.rand(2, 1, 28, 28)).items()} == {
        "input": (2, 1, 28, 28),
        "conv1": (2, 20, 12, 12),
        "conv2": (2, 50, 4, 4),
        "fc": (2, 500),
        "softmax": (2, 10),
    }


@pytest.mark.parametrize("side", [12, 13, 15, 29])
def test_lenet_takes_every_size_that_its_convolutions_do(side):
    description = small((1, side, 14), architecture="lenet")
    if side < 13:
        with pytest.raises(SpuriousError, match="12 x 14 pixels are too few"):
            build_classifier(description)
    else:
        assert build_classifier(description)(torch.rand(2, 1, side, 14)).shape == (2, 3)
