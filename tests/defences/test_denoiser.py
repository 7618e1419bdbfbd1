"""The denoiser before a classifier: its training against a plain loop, and the defence that it is."""

import copy
import json

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import certify_classifier
import train_denoiser
from killing import killed_after
from pipeline.files.tensors import write_tensors
from pipeline.files.weights import write_weights
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.classifiers.recipes import TrainingRecipe
from spurious.configuration import check
from spurious.defences.defended import Defended, Together
from spurious.defences.denoiser import DnCNN, Judged, denoiser_trainer
from spurious.defences.denoising import DenoiserSettings
from spurious.defences.entries import Undefended
from spurious.defences.kinds import Defence
from spurious.errors import SpuriousError
from spurious.experiments.certification.rows import check_suited, rows_of_image
from spurious.experiments.certification.settings import CertificationSettings
from spurious.registry import parse
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (1, 8, 8)
CNN = {"architecture": "cnn", "channels": [2, 4], "units": 8}
SETTINGS = DenoiserSettings(sigma=0.3, layers=3, channels=4, recipes={"mse": "short", "stability": "short"})
RECIPE = {"learning_rate": 0.01, "batch_size": 8, "steps": 6}
IGNORED = TrainingRecipe(**RECIPE, noise=0.9, shift=2)  # the noise is the denoiser's, and targets do not move


def cnn():
    description = parse(Description, {"image_shape": SHAPE, "classes": 3, **CNN})
    model = build_classifier(description)
    initialize(model, "pytorch", generator("classifier"))
    return model.eval(), description


def images_of(count, name="images"):
    return torch.rand((count, *SHAPE), generator=generator("denoiser", name))


def judged():
    with torch.random.fork_rng():
        return Judged(DnCNN(1, SETTINGS), cnn()[0], Preprocessing())


def new_trainer(loss, of=None, *, fresh=True):
    return denoiser_trainer(loss, of or judged(), images_of(24), IGNORED, seed=4, fresh=fresh)


def test_the_network_has_the_published_parameters_and_none_of_the_noise_it_finds():
    own = DenoiserSettings(sigma=0.25, recipes={"mse": "denoiser"})
    model, images = DnCNN(1, own), images_of(2)
    assert sum(parameter.numel() for parameter in model.parameters()) == 28_448
    with torch.no_grad():
        model.noise[-1].weight.zero_()
    assert torch.equal(model(images), images)


@pytest.mark.parametrize("loss", ["mse", "stability"])
def test_training_equals_a_plain_loop(loss):
    """Of the stability loss, the classifier's answer is asked image by image; it stays as it is."""
    of, images = judged(), images_of(24)
    trainer = new_trainer(loss, of)
    plain, classifier = DnCNN(1, SETTINGS), cnn()[0]
    plain.load_state_dict(copy.deepcopy(of.denoiser.state_dict()))
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.01, eps=1e-8, fused=False, foreach=False)
    seed = f"4 {loss}"
    order = torch.cat([torch.randperm(24, generator=generator(seed, "order", epoch)) for epoch in range(2)])
    for step, batch in enumerate(order.split(8)):
        noise = torch.empty(8, *SHAPE).normal_(generator=generator(seed, "noise", step))
        denoised = plain(images[batch] + 0.3 * noise)
        if loss == "mse":
            value = (denoised - images[batch]).square().sum() / denoised.numel()
        else:
            answers = torch.tensor([int(classifier(image[None]).argmax()) for image in images[batch]])
            value = F.cross_entropy(classifier(denoised), answers)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    list(trainer.run())
    for name, value in of.denoiser.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)
    assert all(torch.equal(value, cnn()[0].state_dict()[name]) for name, value in of.classifier.state_dict().items())


def test_training_takes_away_noise():
    images = torch.zeros(64, *SHAPE)
    images[:, :, 2:6, 2:6] = 1
    of, noisy = judged(), images + 0.3 * torch.empty(images.shape).normal_(generator=generator("test"))
    recipe = TrainingRecipe(learning_rate=0.01, batch_size=16, steps=100)
    list(denoiser_trainer("mse", of, images, recipe, seed=0, fresh=True).run())
    with torch.no_grad():
        assert F.mse_loss(of.denoiser.eval()(noisy), images) < 0.5 * F.mse_loss(noisy, images)


def test_the_second_loss_goes_on_from_the_first():
    of = judged()
    list(new_trainer("mse", of).run())
    learned = copy.deepcopy(of.denoiser.state_dict())
    new_trainer("stability", of, fresh=False)
    assert all(torch.equal(value, learned[name]) for name, value in of.denoiser.state_dict().items())


def defended(network, **others):
    defence = parse(Defence, {"kind": "denoised", "denoiser": "small"})
    return Defended(defence.trained({"small": network}), cnn()[0], **others)


def test_the_defence_judges_the_denoised_image_with_its_own_gradient():
    network, images = judged().denoiser.eval().double(), images_of(2).double().requires_grad_()
    model = nn.Sequential(network, cnn()[0].double())
    defence = parse(Defence, {"kind": "denoised", "denoiser": "small"}).trained({"small": network})
    own = Defended(defence, model[1])
    assert torch.equal(own.decide(images.detach()), model(images).argmax(1))
    assert own.defence.gradient == "exact"
    logits = model(images).float()
    expected = torch.autograd.grad((logits[:, 0] - logits[:, 1:].amax(1)).sum(), images)
    found = torch.autograd.grad(own.margins(images)[0, :, 0].sum(), images)
    torch.testing.assert_close(found, expected)
    assert found[0].abs().sum() > 0


def test_it_is_certified_under_the_noise_that_it_is_trained_for():
    denoised, (model, *_) = defended(judged().denoiser.eval()).defence, cnn()
    settings = CertificationSettings(sigmas=(0.25, 0.3), n0=5, n=20)
    other = copy.deepcopy(denoised._network)
    other.sigma = 0.25
    for parameter in other.parameters():
        parameter.data.neg_()
    weak = denoised.trained({denoised.denoiser: other})
    strong = denoised.trained({denoised.denoiser: copy.deepcopy(other)})
    strong._network.sigma = 0.3
    defences, image = {"weak": weak, "none": Undefended(), "denoised": denoised, "strong": strong}, torch.rand(SHAPE)
    rows, _ = rows_of_image(Together(defences, model), image, "a", 0, settings, attack=False)
    expected = [("weak", 0.25), ("none", 0.25), ("none", 0.3), ("denoised", 0.3), ("strong", 0.3)]
    assert [(row["defence"], row["sigma"]) for row in rows] == expected
    alone = []
    for name, each in defences.items():
        alone += rows_of_image(Together({name: each}, model), image, "a", 0, settings, attack=False)[0]
    assert rows == alone
    with pytest.raises(SpuriousError, match=r"denoised: is trained for none of the sigmas \(0.25,\)"):
        check_suited({"denoised": denoised}, CertificationSettings(sigmas=(0.25,)))


def test_without_its_network_it_is_one_line():
    defence = parse(Defence, {"kind": "denoised", "denoiser": "small"})
    with pytest.raises(SpuriousError, match="the denoiser 'small' is not trained here"):
        Defended(defence, cnn()[0]).decide(images_of(1))
    with pytest.raises(SpuriousError, match="unknown denoiser 'small'"):
        defence.trained({})


@pytest.fixture
def inputs(tmp_path):
    tensors = {}
    for split in ("train", "validation", "test"):
        images = torch.randint(256, (20, *SHAPE), dtype=torch.uint8, generator=generator(split))
        tensors |= {f"{split}_images": images, f"{split}_labels": torch.arange(20) % 3}
    write_tensors(tmp_path / "data", tensors)
    write_tensors(
        tmp_path / "larger", {name: F.pad(own, [1] * 4) if own.ndim == 4 else own for name, own in tensors.items()}
    )
    model, description = cnn()
    write_weights(tmp_path / "weights", model, description)
    return tmp_path


def trained(inputs, folder):
    """The denoiser that the program writes, and its history."""
    options = ["--data", str(inputs / "data"), "--weights", str(inputs / "weights"), "--entry", json.dumps(CNN)]
    options += ["--name", "small", "--settings", SETTINGS.model_dump_json(), "--recipes", json.dumps({"short": RECIPE})]
    folder.mkdir(exist_ok=True)
    files = [folder / "denoiser.safetensors", folder / "history.csv"]
    train_denoiser.main([*options, "--seed", "0", "--output", str(files[0]), "--history", str(files[1])])
    assert {*folder.iterdir()} == {*files}
    return load_file(files[0]), pd.read_csv(files[1])


@pytest.mark.parametrize("checkpoint", [2, 8])  # of either loss
def test_a_killed_training_goes_on_and_ends_as_an_undisturbed_one(inputs, tmp_path, monkeypatch, checkpoint):
    weights, history = trained(inputs, tmp_path / "undisturbed")
    with killed_after(monkeypatch, checkpoint):
        trained(inputs, tmp_path / "killed")
    again, rows = trained(inputs, tmp_path / "killed")
    assert all(torch.equal(value, again[name]) for name, value in weights.items())
    pd.testing.assert_frame_equal(rows, history)
    assert history["criterion"].tolist() == ["mse"] * 6 + ["stability"] * 6


def test_a_killed_training_before_other_preprocessing_begins_again(inputs, tmp_path, monkeypatch, capsys):
    """Resized to the size that they have, the training images are answered as before. The squared distance from images
    without noise does not ask the classifier: that training is kept.
    """
    with killed_after(monkeypatch, 8):
        trained(inputs, tmp_path / "killed")
    opened = train_denoiser.open_classifier
    monkeypatch.setattr(
        train_denoiser, "open_classifier", lambda *given, **named: (opened(*given, **named)[0], Preprocessing(resize=8))
    )
    trained(inputs, tmp_path / "killed")
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "belongs to another run" in line]
    assert "denoiser.stability.checkpoint" in line


def test_certifying_with_a_denoiser_of_other_images_is_one_line(inputs, tmp_path):
    trained(inputs, tmp_path / "made")
    own = {"images": 2, "sigmas": [0.3], "n0": 5, "n": 40, "defences": {"d": {"kind": "denoised", "denoiser": "small"}}}
    options = ["--weights", str(inputs / "weights"), "--classifier", "cnn", "--entry", json.dumps(CNN)]
    options += ["--settings", json.dumps(own | {"attack": {"images": 0}})]
    options += ["--rows", str(tmp_path / "rows.csv"), "--attacks", str(tmp_path / "attacks.csv")]
    denoiser = str(tmp_path / "made/denoiser.safetensors")
    certify_classifier.main([*options, "--data", str(inputs / "data"), "--denoisers", denoiser])
    assert pd.read_csv(tmp_path / "rows.csv")["defence"].tolist() == ["d", "d"]
    other = [word.replace("[0.3]", "[0.25]") for word in options]
    with pytest.raises(SpuriousError, match=r"^d: is trained for none of the sigmas \(0.25,\)"):
        certify_classifier.main([*other, "--data", str(inputs / "data"), "--denoisers", denoiser])
    with pytest.raises(SpuriousError, match=r"is trained on images of \(1, 8, 8\), not \(1, 10, 10\); delete it"):
        certify_classifier.main([*options, "--data", str(inputs / "larger"), "--denoisers", denoiser])
    with pytest.raises(SpuriousError, match="weights: not the weights of a denoiser"):
        certify_classifier.main([*options, "--data", str(inputs / "data"), "--denoisers", str(inputs / "weights")])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"denoisers": {"dncnn": {"sigma": 0.3, "recipes": {"l1": "fast"}}}}, "denoisers.dncnn.recipes.*'l1'"),
        ({"denoisers": {"dncnn": {"sigma": 0.3, "recipes": {"mse": "slow"}}}}, "unknown recipe 'slow'"),
        (
            {"certification": {"defences": {"d": {"kind": "denoised", "denoiser": "dnn"}}}},
            "certification.defences.d.denoiser: unknown denoiser 'dnn'",
        ),
    ],
    ids=["loss", "recipe", "denoiser"],
)
def test_a_name_that_stands_nowhere_is_one_line(changes, message):
    with pytest.raises(SpuriousError, match=message):
        check({"experiments": {"digits": {"seeds": [0]}}, **changes})


def test_photographs_have_no_denoiser():
    denoised = {"defences": {"d": {"kind": "denoised", "denoiser": "dncnn"}}}
    photographs = {"seeds": [0], "certification": ["resnet50"]}
    with pytest.raises(SpuriousError, match=r"imagenet-samples.certification.*nothing is trained on photographs"):
        check({"experiments": {"imagenet-samples": photographs}, "certification": denoised})
