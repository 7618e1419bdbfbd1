"""An architecture from a file of somebody's own is trained, and opened again from the weights that it was stored in."""

import json

import pandas as pd
import pytest
import torch

import train_classifier
from pipeline.files.tensors import write_tensors
from pipeline.files.weights import load_classifier, read_description
from pipeline.jobs.arguments import EXTENSIONS
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.models import Description, build_classifier
from spurious.data.datasets import digits
from spurious.errors import SpuriousError
from spurious.registry import load_extensions, parse

CPU = torch.device("cpu")
EXTENSION = """
from pydantic import Field
from spurious.classifiers.entries import Architecture


class Perceptron(Architecture, kind="perceptron"):
    layers = ("input", "hidden", "softmax")

    units: int = Field(16, ge=1, description="units of the hidden layer")
    depth: int = Field(1, ge=1, description="number of hidden layers")

    def build(self, image_shape, classes):
        import math
        from collections import OrderedDict

        from torch import nn

        widths = [math.prod(image_shape), *[self.units] * self.depth]
        hidden = [part for pair in zip(widths, widths[1:]) for part in (nn.Linear(*pair), nn.ReLU())]

        class Network(nn.Sequential):
            def activations(self, images):
                hidden = self[:-1](images)
                return {"input": images, "hidden": hidden, "softmax": self[-1](hidden)}

        return Network(nn.Flatten(), *hidden, nn.Linear(self.units, classes))
"""
SMALL = {"architecture": "perceptron", "image_shape": [1, 12, 12], "classes": 10}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def extension(tmp_path_factory):
    path = tmp_path_factory.mktemp("extension") / "mine.py"
    path.write_text(EXTENSION, encoding="utf-8")
    load_extensions([str(path)])
    return path


@pytest.fixture(scope="module")
def trained(extension, tmp_path_factory):
    """The folder that the program wrote."""
    folder, data = tmp_path_factory.mktemp("trained"), digits(12, 200, 400, 0)
    tensors = {f"{split}_labels": data.labels[split] for split in data.labels}
    tensors |= {f"{split}_images": data.images[split] for split in data.images}
    write_tensors(folder / "data.safetensors", tensors)
    options = {
        "data": folder / "data.safetensors",
        "classifier": "own",
        "architecture": json.dumps({"architecture": "perceptron", "depth": 2}),
        "recipe": json.dumps({"learning_rate": 0.01, "batch_size": 50, "epochs": 5}),
        "seed": 0,
        "weights": folder / "weights.safetensors",
        "history": folder / "history.csv",
        "predictions": folder / "predictions.csv",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(EXTENSIONS, json.dumps([str(extension)]))
        train_classifier.main([text for key, value in options.items() for text in (f"--{key}", str(value))])
    return folder


def test_it_learns(trained):
    predictions = pd.read_csv(trained / "predictions.csv").query("split == 'test'")
    assert (predictions["label"] == predictions["predicted"]).mean() > 0.8


def test_its_weights_say_how_to_build_it_again(trained):
    """With the widths that the configuration left out: the defaults of the file may change."""
    description = read_description(trained / "weights.safetensors")
    assert (description.units, description.depth) == (16, 2)
    entry = parse(ClassifierEntry, {"architecture": "perceptron", "recipe": "fast", "depth": 2})
    model = load_classifier(trained / "weights.safetensors", CPU, entry.parameters())
    images = torch.rand(3, 1, 12, 12)
    layers = model.activations(images)
    assert tuple(layers) == entry.layers
    assert torch.equal(layers["softmax"], model(images))


@pytest.mark.parametrize("other", [{"depth": 1}, {"units": 17}, {"architecture": "softmax"}])
def test_weights_of_another_one_are_refused(trained, other):
    with pytest.raises(SpuriousError, match="another classifier than"):
        load_classifier(trained / "weights.safetensors", CPU, {"architecture": "perceptron"} | other)


def test_defaults_are_those_of_the_architecture():
    model = build_classifier(parse(Description, SMALL))
    assert [layer.out_features for layer in model if isinstance(layer, torch.nn.Linear)] == [16, 10]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 0}, "^depth: 0 is not allowed: number of hidden layers$"),
        ({"width": 3}, "^unknown key 'width'"),
        ({"architecture": "perceptrons"}, "^architecture: 'perceptrons' is not allowed"),
    ],
)
def test_what_it_does_not_take_is_refused(changes, message):
    with pytest.raises(SpuriousError, match=message):
        parse(Description, SMALL | changes)
