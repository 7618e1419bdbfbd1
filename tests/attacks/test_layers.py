"""The layers of any network by name, through forward hooks."""

import pytest
import torch
from torch import nn

from spurious.attacks.layers import Layered
from spurious.attacks.optimization import run_searches
from spurious.attacks.settings import ImageOptimization
from spurious.classifiers.models import ConvNet, initialize
from spurious.errors import SpuriousError
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")


def images_of(count):
    return torch.rand((count, 1, 8, 8), generator=generator("layers", count))


def own():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(), nn.Linear(108, 4)
        )


def test_hooks_see_what_the_layers_give():
    model, images = own(), images_of(5)
    layers = Layered(model, ["0", "4"]).activations(images)
    assert list(layers) == ["input", "0", "4", "softmax"]
    assert torch.equal(layers["0"], model[0](images))  # before the ReLU that works in place
    assert torch.equal(layers["softmax"], model.eval()(images))
    assert model.train().training


def test_the_network_is_left_as_it_was():
    model = own().train()
    Layered(model, ["0"]).activations(images_of(2))
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_a_search_by_hooks_is_that_by_activations():
    """The same network, read in both ways, ends in the same images."""
    model = ConvNet((1, 8, 8), 3, (2, 4), 8).eval()
    initialize(model, "published", generator(0, "initialization"))
    searches = {"cost": ImageOptimization(max_steps=3), "log-p": ImageOptimization(max_steps=3, objective="log_p")}
    hooked = {"input": 1e-5, "fc": 1e-2, "softmax": 10.0}
    unread = {"conv1": 0.0, "conv2": 0.0}  # these are pooled there, which no hook sees
    settings = {name: search.changed(layer_weights=hooked | unread) for name, search in searches.items()}
    ours = run_searches(model, 1, images_of(6), settings, images=2, seed=0)
    found = run_searches(Layered(model, ["fc"]), 1, images_of(6), settings, images=2, seed=0)
    for name in searches:
        assert torch.allclose(ours[name].images, found[name].images, atol=1e-6)
        assert torch.allclose(ours[name].trace, found[name].trace, atol=1e-6)


def test_a_network_without_parameters_is_searched_too():
    flat = Layered(nn.Sequential(nn.AvgPool2d(4), nn.Flatten()))
    search = {"log-p": ImageOptimization(objective="log_p", max_steps=2)}
    assert run_searches(flat, 1, images_of(2), search, images=2, seed=0)["log-p"].images.shape == (2, 1, 8, 8)


@pytest.mark.parametrize(
    ("name", "message"),
    [("7", "not in this network; its layers are 0, 1"), ("input", "have this name"), ("", "not in")],
)
def test_a_wrong_name_is_one_line(name, message):
    with pytest.raises(SpuriousError, match=message):
        Layered(own(), [name])


def test_a_layer_that_is_not_called_is_one_line():
    model = own()
    model[0].register_module("unused", nn.Linear(1, 1))
    with pytest.raises(SpuriousError, match=r"layer '0\.unused': gives no single tensor"):
        Layered(model, ["0.unused"]).activations(images_of(1))
