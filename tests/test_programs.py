"""Programs that were exported wrongly: what is refused, and what is set right with a note."""

import pytest
import torch
from torch import nn

from spurious.classifiers.predictions import predict
from spurious.errors import SpuriousError
from test_pretrained import PROGRAMS, Small, opened, some_images

pytestmark = pytest.mark.usefixtures("one_thread")

NORMALIZED = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}


class Forgotten(Small):
    """The layer after the features stays in training mode, whatever eval() says."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def train(self, mode=True):
        return super().train(True)

    def forward(self, images):
        return self.head(self.layer(self.features(images)).relu().mean(dim=(2, 3)))


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("kind", PROGRAMS)
def test_dropout_left_on(tmp_path, kind, count):
    model, _ = opened(tmp_path, PROGRAMS[kind](Forgotten(nn.Dropout(0.5))), {kind: "x"})
    with pytest.raises(SpuriousError, match=r"differently each time; call eval\(\) and export") as caught:
        model(some_images(8, count))
    assert "\n" not in str(caught.value)


def test_batch_normalization_left_in_training_mode(tmp_path):
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](Forgotten(nn.BatchNorm2d(8))), {"torchscript": "x"})
    with pytest.raises(SpuriousError, match=r"depends on the other images; call eval\(\) and export"):
        model(some_images(8))


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm2d(8)])
def test_in_evaluation_mode_both_are_right(tmp_path, layer):
    net = Forgotten(layer)
    nn.Module.train(net, False)
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](net), {"torchscript": "x"})
    images = some_images(8)
    with torch.no_grad():
        torch.testing.assert_close(model(images), net(images))


class Ending(Small):
    """Logits, times `steep`, through `last`."""

    def __init__(self, last, steep=1.0):
        super().__init__()
        self.last, self.steep = last, steep

    def logits(self, images):
        return super().forward(images) * self.steep

    def forward(self, images):
        return self.last(self.logits(images))


@pytest.mark.parametrize("kind", PROGRAMS)
def test_the_logarithm_of_probabilities_is_taken(tmp_path, capsys, kind):
    net = Ending(nn.Softmax(1))
    model, _ = opened(tmp_path, PROGRAMS[kind](net), {kind: "x"} | NORMALIZED)
    images = some_images(8)
    with torch.no_grad():
        expected = net.logits((images - 0.5) / 0.25).softmax(1)
        for _ in range(2):
            torch.testing.assert_close(predict(model, images), expected)
    told = capsys.readouterr().err
    assert told.startswith(f"{tmp_path / 'pretrained'}: gives probabilities; their logarithms are used")
    assert told.count("\n") == 1


def test_a_probability_of_0_has_a_logarithm(tmp_path):
    net = Ending(nn.Softmax(1), steep=1e4)
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](net), {"torchscript": "x"})
    images = some_images(8).requires_grad_()
    assert (net(images) == 0).any()
    logits = model(images)
    assert logits.isfinite().all()
    assert logits.argmax(1).tolist() == net.logits(images).argmax(1).tolist()
    assert torch.autograd.grad(logits.sum(), images)[0].isfinite().all()


@pytest.mark.parametrize("last", [nn.LogSoftmax(1), nn.ReLU(), nn.Sigmoid(), nn.Tanh()])
def test_what_sums_to_something_else_is_left_alone(tmp_path, capsys, last):
    net = Ending(last)
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](net), {"torchscript": "x"})
    with torch.no_grad():
        torch.testing.assert_close(model(some_images(8)), net(some_images(8)))
    assert capsys.readouterr().err == ""
