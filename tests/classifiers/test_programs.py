"""Programs that were exported wrongly: what is refused, and what is set right with a note."""

import io
import pickle
import re

import pytest
import torch
from test_pretrained import PROGRAMS, Small, exported, failure, opened, saved, scripted, some_images
from torch import nn

from spurious.classifiers.predictions import predict, to_probabilities
from spurious.classifiers.programs import Program
from spurious.errors import SpuriousError

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


@pytest.mark.parametrize("last", [nn.LogSoftmax(1), nn.ReLU(), nn.Softplus(), nn.Tanh()])
def test_what_sums_to_something_else_is_left_alone(tmp_path, capsys, last):
    net = Ending(last)
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](net), {"torchscript": "x"})
    with torch.no_grad():
        torch.testing.assert_close(model(some_images(8)), net(some_images(8)))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_sigmoid_is_told_once_and_its_values_are_left_alone(tmp_path, capsys, kind):
    net = Ending(nn.Sigmoid())
    model, _ = opened(tmp_path, PROGRAMS[kind](net), {kind: "x"})
    images = some_images(8)
    for _ in range(2):
        with torch.no_grad():
            torch.testing.assert_close(model(images), net(images))
    told = capsys.readouterr().err
    assert told.startswith(f"{tmp_path / 'pretrained'}: gives values from 0 to 1 that do not sum to 1, as a sigmoid")
    assert told.endswith("export it without its sigmoid\n")
    assert told.count("\n") == 1


class Constant(nn.Module):
    """The same answers whatever the images."""

    def __init__(self, answers):
        super().__init__()
        self.answers = torch.tensor(answers)

    def forward(self, images):
        return self.answers[: len(images)]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([[0.9, 0.8, 0.1], [0.2, 1.0, 1e-9]], 1),
        ([[0.9, 0.8, 0.1], [0.2, 1.5, 0.3]], 0),  # logits after a ReLU, one above 1
        ([[0.9, 0.8, 0.0], [0.0, 0.0, 0.3]], 0),  # the same, small, with zeros
        ([[0.9, 0.8, 0.1], [0.2, -0.1, 0.3]], 0),
        ([[0.9], [0.1]], 0),  # one class has nothing to tell by
    ],
)
def test_what_looks_like_a_sigmoid(answers, told):
    notes = []
    model = Program(Constant(answers), notes.append)
    torch.testing.assert_close(model(some_images(8, 2)), torch.tensor(answers))
    assert len(notes) == told
    assert all("as a sigmoid does" in note for note in notes)


class Shares(nn.Module):
    """Values that sum to 1, some of them negative."""

    def forward(self, logits):
        return logits - logits.mean(1, keepdim=True) + 0.25


def test_negative_values_that_sum_to_1_are_logits(tmp_path, capsys):
    net = Ending(Shares(), steep=50.0)
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](net), {"torchscript": "x"})
    with torch.no_grad():
        expected = net(some_images(8))
        assert (expected < 0).any()
        torch.testing.assert_close(model(some_images(8)), expected)
    assert capsys.readouterr().err == ""


class Fixed(Small):
    """Its program holds the number of images that it was made with."""

    def forward(self, images):
        features = self.features(images).relu()
        return self.head(features.reshape(int(images.shape[0]), 8, -1).mean(2))


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_of_one_batch_size_is_served_in_such_batches(tmp_path, capsys, kind, size):
    content = scripted(Fixed(), size) if kind == "torchscript" else exported(Fixed(), batch=None, count=size)
    capsys.readouterr()  # torch warns of such a trace
    model, _ = opened(tmp_path, content, {kind: "x"} | NORMALIZED)
    for count in (1, 5, 8):
        images = some_images(8, count).requires_grad_()
        expected = Small()((images - 0.5) / 0.25)
        torch.testing.assert_close(model(images), expected)
        own, other = (torch.autograd.grad(logits.square().sum(), images)[0] for logits in (model(images), expected))
        torch.testing.assert_close(own, other)
    told = capsys.readouterr().err
    assert told.startswith(f"{tmp_path / 'pretrained'}: takes batches of {size} only; this is slow")
    assert told.count("\n") == 1


@pytest.mark.parametrize("bounds", [{"max": 3}, {"min": 4}, {"min": 2, "max": 3}])
def test_the_bounds_of_a_dynamic_batch_are_kept(tmp_path, capsys, bounds):
    content = exported(Small(), torch.export.Dim("batch", **bounds), count=max(2, bounds.get("min", 0)))
    model, _ = opened(tmp_path, content, {"exported": "x"})
    with torch.no_grad():
        for count in (1, 3, 7):
            torch.testing.assert_close(model(some_images(8, count)), Small()(some_images(8, count)))
    assert capsys.readouterr().err == ""


def test_a_program_for_other_images_is_still_refused(tmp_path):
    model, _ = opened(tmp_path, scripted(Fixed(), 4), {"torchscript": "x"})
    with pytest.raises(SpuriousError, match=r"does not take images of shape \(5, 1, 8, 8\)"):
        model(some_images(8, channels=1))


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["traced", "frozen", "exported"])
def test_a_program_gets_images_of_its_type(tmp_path, capsys, kind, dtype):
    net, content = Small().to(getattr(torch, dtype)).eval(), io.BytesIO()
    example = some_images(8, 2).to(getattr(torch, dtype))
    if kind == "exported":
        shapes = ({0: torch.export.Dim("batch", min=1, max=9)},)
        torch.export.save(torch.export.export(net, (example,), dynamic_shapes=shapes), content)
    else:
        traced = torch.jit.trace(net, example)
        torch.jit.save(torch.jit.freeze(traced) if kind == "frozen" else traced, content)
    entry = {"exported" if kind == "exported" else "torchscript": "x"} | NORMALIZED
    model, _ = opened(tmp_path, content.getvalue(), entry)
    images = some_images(8)
    with torch.no_grad():
        logits = model(images)
        expected = Small()((images - 0.5) / 0.25)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, expected, rtol=0, atol={"float64": 1e-5}.get(dtype, 0.05))
    told = capsys.readouterr().err
    assert told.startswith(f"{tmp_path / 'pretrained'}: computes in {dtype}; images are converted. Call .float()")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (lambda: scripted(Small()), "exported", "but a TorchScript program; use the key torchscript"),
        (lambda: exported(Small()), "torchscript", "but an exported program; use the key exported"),
        (
            lambda: saved(Small().state_dict()),
            "torchscript",
            r"weights or a pickled model .*torch.jit.trace\(model.eval",
        ),
        (lambda: saved(Small().state_dict()), "exported", "weights or a pickled model"),
        (lambda: saved(Small()), "torchscript", "weights or a pickled model"),
        (lambda: pickle.dumps([1], protocol=2), "exported", "weights or a pickled model"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, content, kind, told):
    assert re.search(told, failure(tmp_path, content(), {kind: "x"}))


@pytest.mark.parametrize(
    ("shape", "classes", "told"),
    [
        ((2, 4, 1, 1), 4, r"logits \(2, 4, 1, 1\), .*; export it with logits.flatten\(1\)$"),
        ((2, 5), 4, r"; if the first is a background class, export it without, logits\[:, 1:\]"),
        ((2, 3), 4, "; use one that was trained for this dataset"),
        ((2, 4, 2, 2), 4, "; use one that was trained for this dataset"),
        ((2,), None, "; use one that was trained for this dataset"),
    ],
)
def test_logits_of_another_shape(shape, classes, told):
    with pytest.raises(SpuriousError, match=told):
        to_probabilities(torch.zeros(shape), classes)
