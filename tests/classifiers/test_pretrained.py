"""Classifiers trained elsewhere: torchvision's families, brought programs, their speed-up, and files that are none."""

import copy
import functools
import hashlib
import io
import os
import pickle
import re
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import list_torchvision
from pipeline.files.classifiers import open_classifier
from pipeline.files.weights import write_weights
from spurious.classifiers import pretrained
from spurious.classifiers.entries import ClassifierEntry, Cnn, TorchScript
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.pretrained import (
    Classifier,
    accelerate,
    preprocessing_of,
    published_file,
    torchvision_classifier,
)
from spurious.classifiers.torchvision_names import TORCHVISION
from spurious.data.photographs import decode
from spurious.errors import SpuriousError
from spurious.registry import parse
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing
from spurious.vision import models, transforms

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
RESNET18 = {"torchvision": "resnet18", "weights": "IMAGENET1K_V1"}
# How torchvision builds a family for its published weights, and what is left out after they are loaded.
FAMILIES = {
    "resnet18": {},
    "mobilenet_v3_small": {},
    "efficientnet_b0": {},
    "shufflenet_v2_x0_5": {},
    "googlenet": {"aux_logits": True, "init_weights": True, "transform_input": True},
}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def untrained(name):
    """torchvision's own model with random parameters and with statistics that are worth folding."""
    torch.manual_seed(0)
    model = models.get_model(name, weights=None, **FAMILIES[name])
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        layer.momentum = None
        nn.init.uniform_(layer.weight, 0.5, 1.5)
        nn.init.normal_(layer.bias, std=0.2)
    with torch.no_grad():
        model.train()(torch.randn(6, 3, 96, 96))
    return model.eval()


def saved(state):
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def some_images(size, count=5, channels=3):
    return torch.rand(count, channels, size, size, generator=generator("test", "images"))


def opened(folder, content, settings, **options):
    """The classifier in `content` with its right sha256, unless `settings` has another."""
    path = folder / "pretrained"
    path.write_bytes(content)
    return open_classifier(path, parse(ClassifierEntry, {"sha256": sha256(content)} | settings), CPU, **options)


def failure(folder, content, settings, **options):
    with pytest.raises(SpuriousError) as caught:
        opened(folder, content, settings, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{folder / 'pretrained'}: ")
    return message


@pytest.fixture(scope="module")
def resnet():
    return untrained("resnet18")


@pytest.fixture(scope="module")
def resnet_file(resnet):
    return saved(resnet.state_dict())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_gives_the_logits_of_the_plain_model(tmp_path, name):
    reference = untrained(name)
    settings = {"torchvision": name, "weights": "IMAGENET1K_V1", "resize": 128, "crop": 96}
    model, preprocessing = opened(tmp_path, saved(reference.state_dict()), settings)
    assert (preprocessing.resize, preprocessing.crop) == (128, 96)
    assert isinstance(model.model, torch.jit.ScriptModule)
    assert "batch_norm" not in str(model.model.inlined_graph)
    for count in (1, 2, 5):
        images = some_images(96, count)
        with torch.inference_mode():
            expected = reference(transforms.normalize(images, **IMAGENET))
            logits = model(images)
        assert logits.dtype == torch.float32
        assert not logits.requires_grad
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
        assert torch.equal(model(images), logits)


def test_the_layers_of_densenet_had_other_names():
    torch.manual_seed(0)
    reference = models.densenet121().eval()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in reference.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    model = torchvision_classifier("densenet121", "IMAGENET1K_V1", old)
    images = some_images(64, 2)
    with torch.no_grad():
        torch.testing.assert_close(model(images), reference(transforms.normalize(images, **IMAGENET)))


def test_building_leaves_torchvisions_weights_as_they_were(resnet):
    torchvision_classifier("resnet18", "IMAGENET1K_V1", resnet.state_dict())
    with pytest.raises(RuntimeError, match="size mismatch"):
        torchvision_classifier("resnet18", "IMAGENET1K_V1", resnet.state_dict() | {"fc.bias": torch.zeros(1)})
    assert "get_state_dict" not in vars(models.ResNet18_Weights.IMAGENET1K_V1)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"torchvision": "resnet50", "weights": "IMAGENET1K_V1"}, (256, 224, "bilinear")),
        ({"torchvision": "resnet50", "weights": "IMAGENET1K_V2"}, (232, 224, "bilinear")),
        ({"torchvision": "resnet50", "weights": "DEFAULT"}, (232, 224, "bilinear")),
        ({"torchvision": "efficientnet_b0", "weights": "IMAGENET1K_V1"}, (256, 224, "bicubic")),
        ({"torchvision": "inception_v3", "weights": "IMAGENET1K_V1"}, (342, 299, "bilinear")),
        ({"torchvision": "resnet50", "weights": "IMAGENET1K_V1", "resize": 300}, (300, 224, "bilinear")),
        ({"torchscript": "x.pt", "sha256": "0" * 64, "resize": 256, "crop": 224}, (256, 224, "bilinear")),
        ({"exported": "x.pt2", "sha256": "0" * 64, "resize": 8, "interpolation": "bicubic"}, (8, None, "bicubic")),
        ({"exported": "x.pt2", "sha256": "0" * 64}, (None, None, "bilinear")),
    ],
)
def test_preprocessing(settings, expected):
    resize, crop, interpolation = expected
    assert preprocessing_of(parse(ClassifierEntry, settings)) == Preprocessing(
        resize=resize, crop=crop, interpolation=interpolation
    )


def test_published_files():
    assert published_file("resnet50", "IMAGENET1K_V1") == (
        "https://download.pytorch.org/models/resnet50-0676ba61.pth",
        "0676ba61",
    )
    assert published_file("shufflenet_v2_x0_5", "IMAGENET1K_V1").sha256 == "f707e7126e"


def test_every_classifier_of_torchvision_is_known():
    names = models.list_models(module=models)
    files = [published_file(name, weights.name) for name in names for weights in models.get_model_weights(name)]
    assert len(files) > 100
    for file in files:
        assert file.url.endswith(f"-{file.sha256}.pth")
        assert len(file.sha256) >= 8


def test_planning_knows_the_names_of_the_installed_torchvision():
    """After an update of torchvision: python scripts/list_torchvision.py."""
    assert list_torchvision.OUTPUT.read_text(encoding="utf-8") == list_torchvision.listed()
    assert len(TORCHVISION) > 70
    assert TORCHVISION["resnet50"] == ("IMAGENET1K_V1", "IMAGENET1K_V2", "DEFAULT")


@pytest.mark.parametrize(
    ("name", "weights", "told"),
    [
        ("resnet5", "IMAGENET1K_V1", "torchvision: unknown classifier 'resnet5'; did you mean 'resnet50'?"),
        ("raft_large", "DEFAULT", "torchvision: unknown classifier 'raft_large'"),
        ("zzz", "DEFAULT", "known are alexnet, "),
        ("resnet50", "IMAGENET1K_V3", "weights: unknown weights 'IMAGENET1K_V3'; did you mean 'IMAGENET1K_V2'?"),
        ("vgg11", "SWAG", "weights: unknown weights 'SWAG'; known are IMAGENET1K_V1, DEFAULT"),
    ],
)
def test_unknown_names(name, weights, told):
    with pytest.raises(SpuriousError) as caught:
        published_file(name, weights)
    assert told in str(caught.value)
    with pytest.raises(SpuriousError) as caught:
        parse(ClassifierEntry, {"torchvision": name, "weights": weights})
    assert told in str(caught.value)


def test_without_sha256_the_file_name_of_torchvision_tells_its_first_digits(tmp_path, resnet_file, monkeypatch):
    path = tmp_path / "pretrained"
    path.write_bytes(resnet_file)
    with pytest.raises(SpuriousError, match=f"wrong sha256 {sha256(resnet_file)}, wanted f37072fd; delete it"):
        open_classifier(path, parse(ClassifierEntry, RESNET18), CPU)
    address = f"https://127.0.0.1/resnet18-{sha256(resnet_file)[:8]}.pth"
    monkeypatch.setattr(type(models.ResNet18_Weights.IMAGENET1K_V1), "url", address)
    model, _ = open_classifier(path, parse(ClassifierEntry, RESNET18), CPU, accelerated=False)
    assert model(some_images(32)).shape == (5, 1000)


class Specialized(nn.Module):
    """Its trace remembers the number of images that it was made with."""

    def forward(self, images):
        return images.mean(dim=(2, 3)) * int(images.shape[0])


class Untraceable(nn.Module):
    def forward(self, images):
        if torch.jit.is_tracing():
            raise ValueError("not here")
        return images.mean(dim=(2, 3))


class ByValue(nn.Module):
    """Its trace remembers which way it went."""

    def forward(self, images):
        means = images.mean(dim=(2, 3))
        return means if len(images) == 2 else -means


@pytest.mark.parametrize("kind", [Specialized, Untraceable, ByValue])
def test_what_cannot_be_traced_stays_as_it_is(kind):
    model = kind().eval()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        classifier = accelerate(model, 8)
    assert classifier.model is model
    assert not told
    for count in (1, 2, 5):
        assert torch.equal(classifier(some_images(8, count)), model(some_images(8, count)))


def test_bfloat16_only_where_asked_for(tmp_path, resnet, resnet_file):
    settings = RESNET18 | {"resize": 64, "crop": 64}
    images = some_images(64, 8)
    with torch.inference_mode():
        exact = resnet(transforms.normalize(images, **IMAGENET))
        spread = float((exact - exact.mean(1, keepdim=True)).std())
        for accelerated in (True, False):
            full, low = (
                opened(tmp_path, resnet_file, settings, precision=precision, accelerated=accelerated)[0](images)
                for precision in ("float32", "bfloat16")
            )
            assert low.dtype == torch.float32
            assert float((full - exact).std()) < 1e-4 * spread
            assert 1e-4 * spread < float((low - exact).std()) < 0.05 * spread


def test_batch_normalization_is_folded_before_it_is_rounded(resnet):
    """The bfloat16 logits are those of a convolution that was folded in float32, and not rounded twice."""
    convolution, norm = resnet.layer2[0].conv1, resnet.layer2[0].bn1
    first = nn.Conv2d(3, 64, 1)
    plain, folded = (
        nn.Sequential(first, *layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
        for layers in ([convolution, norm], [fuse_conv_bn_eval(convolution, norm)])
    )
    images = some_images(16)
    with torch.no_grad():
        expected = Classifier(folded, "bfloat16")(images)
        assert torch.equal(accelerate(plain, 16, "bfloat16")(images), expected)
        assert not torch.equal(Classifier(plain, "bfloat16")(images), expected)


class Small(nn.Module):
    """A program as somebody brings it along: any size, any number of images."""

    def __init__(self):
        super().__init__()
        self.features, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 4)
        for index, parameter in enumerate(self.parameters()):
            parameter.data.normal_(generator=generator("test", "small", index))

    def forward(self, images):
        return self.head(self.features(images).relu().mean(dim=(2, 3)))


ANY = torch.export.Dim("batch", min=1, max=512)


def scripted(model, count=2):
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(model, some_images(8, count), check_trace=False), content)
    return content.getvalue()


def exported(model, batch=ANY, count=2):
    content = io.BytesIO()
    shapes = ({0: batch},) if batch else None
    torch.export.save(torch.export.export(model.eval(), (some_images(8, count),), dynamic_shapes=shapes), content)
    return content.getvalue()


PROGRAMS = {"torchscript": scripted, "exported": exported}


@pytest.mark.parametrize("kind", PROGRAMS)
@pytest.mark.parametrize("normalization", [{}, IMAGENET])
def test_a_program_brought_along(tmp_path, kind, normalization):
    content = PROGRAMS[kind](Small())
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        model, preprocessing = opened(tmp_path, content, {kind: "small", "resize": 9, "crop": 8} | normalization)
    assert preprocessing == Preprocessing(resize=9, crop=8)
    images = some_images(8)
    prepared = transforms.normalize(images, **normalization) if normalization else images
    with torch.inference_mode():
        torch.testing.assert_close(model(images), Small()(prepared))
        assert torch.equal(model.eval().train()(images[:1]), model(images[:1]))


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_brought_along_in_bfloat16(tmp_path, kind):
    model, _ = opened(tmp_path, PROGRAMS[kind](Small()), {kind: "small"}, precision="bfloat16")
    images = some_images(8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected = Small()(images).float()
    assert model(images).dtype == torch.float32
    torch.testing.assert_close(model(images), expected)
    assert not torch.equal(model(images), Small()(images))


def gradient(function, images):
    images = images.clone().requires_grad_()
    return torch.autograd.grad(function(images).logsumexp(1).sum(), images)[0].double()


@pytest.mark.parametrize("kind", ["torchvision", *PROGRAMS])
def test_gradients_reach_the_images_and_no_parameter(tmp_path, resnet, resnet_file, kind):
    if kind == "torchvision":
        content, settings, reference, images = resnet_file, RESNET18, resnet, some_images(64)
    else:
        content, settings, reference, images = PROGRAMS[kind](Small()), {kind: "x"} | IMAGENET, Small(), some_images(8)
    model, _ = opened(tmp_path, content, settings, accelerated=False)
    assert kind != "torchvision" or not isinstance(model.model, torch.jit.ScriptModule)
    exact = copy.deepcopy(reference).double()
    expected = gradient(lambda x: exact(transforms.normalize(x, **IMAGENET)), images.double())
    errors = (gradient(model, images) - expected).flatten(1).norm(dim=1) / expected.flatten(1).norm(dim=1)
    assert float(errors.median()) < 1e-4
    assert float(errors.max()) < 0.1  # rounding may put one activation on the other side of a ReLU's kink
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_what_was_trained_here(tmp_path):
    description = Description(architecture="softmax", image_shape=(1, 8, 8), classes=3)
    trained = build_classifier(description)
    write_weights(tmp_path / "weights", trained, description)
    settings = {"architecture": "softmax", "recipe": "fast"}
    model, preprocessing = open_classifier(
        tmp_path / "weights", parse(ClassifierEntry, settings), CPU, precision="bfloat16"
    )
    assert preprocessing == Preprocessing()
    images = some_images(8, channels=1)
    assert torch.equal(model(images), trained(images))
    with pytest.raises(SpuriousError, match="another classifier"):
        open_classifier(tmp_path / "weights", Cnn(), CPU)


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("packed", [saved, functools.partial(pickle.dumps, protocol=2)])
@pytest.mark.parametrize("settings", [RESNET18, {"torchscript": "x"}, {"exported": "x"}])
def test_a_pickle_that_runs_code_is_not_opened(tmp_path, packed, settings):
    failure(tmp_path, packed({"fc.weight": Bomb(tmp_path / "done")}), settings)
    assert not (tmp_path / "done").exists()


TORN = {
    "another architecture": lambda: saved(models.squeezenet1_1().state_dict()),
    "no weights": lambda: saved([1, 2]),
    "a checkpoint": lambda: saved({"epoch": 3, "state_dict": {}}),
    "empty": lambda: b"",
    "text": lambda: b"<html>",
    "a TorchScript program": lambda: scripted(Small()),
    "an exported program": lambda: exported(Small()),
}
WRONG = [
    *((RESNET18, name, "holds no weights of torchvision's resnet18; get the file") for name in TORN),
    *(({"torchscript": "x"}, name, "holds no TorchScript program") for name in TORN if name != "a TorchScript program"),
    *(({"exported": "x"}, name, "holds no exported program") for name in TORN if name != "an exported program"),
]


@pytest.mark.parametrize(("settings", "name", "told"), WRONG)
def test_files_that_hold_something_else(tmp_path, settings, name, told):
    assert told in failure(tmp_path, TORN[name](), settings)


@pytest.mark.parametrize("save", [scripted, exported])
def test_a_file_cut_off(tmp_path, save):
    kind = "torchscript" if save is scripted else "exported"
    assert "holds no" in failure(tmp_path, save(Small())[:-100], {kind: "x"})


@pytest.mark.parametrize("settings", [RESNET18, {"torchscript": "x"}, {"exported": "x"}])
def test_an_altered_file_is_not_opened_at_all(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(pretrained, "_OPENERS", {})
    content = b"altered"
    message = failure(tmp_path, content, settings | {"sha256": "AB" * 32})
    assert f"wrong sha256 {sha256(content)}, wanted {'ab' * 32}" in message


def test_a_missing_file(tmp_path):
    with pytest.raises(SpuriousError, match=r"gone: cannot be read .*; delete it and run again"):
        open_classifier(tmp_path / "gone", TorchScript(torchscript="x", sha256="0" * 64), CPU)


class Pair(Small):
    def forward(self, images):
        return super().forward(images), images


@pytest.mark.parametrize(
    ("content", "images", "told"),
    [
        (lambda: exported(Small()), some_images(9), r"does not take images of shape \(5, 3, 9, 9\)"),
        (lambda: exported(Pair()), some_images(8), "gives a tuple, not logits"),
    ],
)
def test_a_program_that_does_not_fit(tmp_path, content, images, told):
    model, _ = opened(tmp_path, content(), {"exported": "x"})
    with pytest.raises(SpuriousError, match=told) as caught:
        model(images)
    assert "\n" not in str(caught.value)


def test_a_program_for_grey_images_tells_what_is_wrong(tmp_path):
    model, _ = opened(tmp_path, scripted(Small()), {"torchscript": "x"})
    with pytest.raises(SpuriousError, match=r"\(5, 1, 8, 8\).*\(RuntimeError: .*channels") as caught:
        model(some_images(8, channels=1))
    assert "\n" not in str(caught.value)


LOCAL = Path(os.environ.get("SPURIOUS_LOCAL_DATA", "not set"))
MOBILENET = {"torchscript": "mobilenet_v2_quant.torchscript.pt", "exported": "mobilenet_v2_quant.pt2"}
CONVERTIBLE = LOCAL / "imagenet-sample-images" / "n03100240_convertible.JPEG"


@pytest.mark.skipif(
    not all(path.is_file() for path in [CONVERTIBLE, *(LOCAL / "models" / name for name in MOBILENET.values())]),
    reason="no MobileNetV2: set SPURIOUS_LOCAL_DATA to a folder with models/ and imagenet-sample-images/",
)
def test_mobilenet_as_torchscript_and_as_exported_program(tmp_path):
    image = decode(CONVERTIBLE.read_bytes(), CONVERTIBLE.name)[None] / 255
    logits = {}
    for kind, name in MOBILENET.items():
        content = (LOCAL / "models" / name).read_bytes()
        settings = {kind: name, "resize": 256, "crop": 224}
        for precision in ("float32", "bfloat16"):
            model, wanted = opened(tmp_path, content, settings, precision=precision)
            view = transforms.center_crop(transforms.resize(image, wanted.resize, antialias=False), wanted.crop)
            with torch.inference_mode():
                logits[kind, precision] = model(view.repeat(2, 1, 1, 1))
    for result in logits.values():
        assert result.shape == (2, 1000)
        assert result.argmax(1).tolist() == [511, 511]  # convertible
    exact = logits["torchscript", "float32"]
    torch.testing.assert_close(exact, logits["exported", "float32"])
    assert 0 < float((exact - logits["torchscript", "bfloat16"]).std()) < 0.1 * float(exact.std())
    assert float(exact.softmax(1).amax()) > 0.5
