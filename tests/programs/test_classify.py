"""One image by hand: the same noise, views and votes as in the sweep, from a configuration or from options."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from kornia.filters import gaussian_blur2d
from PIL import Image

import classify
import fool
from projects import ROOT, read_config, sha256, write_config
from spurious.classifiers.predictions import predict
from spurious.configuration import deep_merge
from spurious.errors import SpuriousError
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.experiments.smoothing.sweep import Batch, sweep
from spurious.perturbations.noise import add_noise
from spurious.views.preprocessing import Preprocessing
from spurious.vision import transforms

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ["tench", "house finch", "crane", "crane", "maillot"]
INITIALIZED = 52  # a seed with which the views agree, differ in one, and all differ
SIGMAS, SEED = [0.0, 0.25, 0.5], 7
SETTINGS = {"sigmas": SIGMAS, "kernels": [5, 3], "seeds": [SEED, 8], "batch_size": 4}


class Tiny(torch.nn.Module):
    """Logits from the means of the image's quarters and of its detail, which noise adds and blurring takes away."""

    def __init__(self, classes: int, scale: float = 1.0):
        super().__init__()
        self.pool, self.head = torch.nn.AdaptiveAvgPool2d(2), torch.nn.Linear(24, classes, bias=False)
        weights = torch.randn(classes, 24, generator=torch.Generator().manual_seed(INITIALIZED))
        self.head.weight.data = (weights - weights.mean(1, keepdim=True)) * 8
        self.scale = scale

    def forward(self, images):
        detail = (images - torch.nn.functional.avg_pool2d(images, 3, 1, 1)).abs()
        features = torch.cat([self.pool(images), 2 * self.pool(detail)], dim=1)
        return self.head(features.flatten(1)) * self.scale


def save_classifier(path, classes=5, scale=1.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of the format
        torch.jit.trace(Tiny(classes, scale), torch.zeros(1, 3, 12, 12)).save(path)
    return {"torchscript": path.name, "sha256": sha256(path), "resize": 16, "crop": 12}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A configuration with classifiers that are to be fetched, and images to show them."""
    folder = tmp_path_factory.mktemp("classify")
    models = folder / "local data/models"
    classifiers = {
        "tiny": save_classifier(models / "tiny.pt"),
        "other": save_classifier(models / "other.pt", classes=4),
        "spoilt": save_classifier(models / "spoilt.pt", scale=float("nan")),
        "gone": {"torchscript": "gone.pt", "sha256": "0" * 64},
    }
    changes = {
        "local_data": "local data",
        "datasets": {"photos": {"source": "images", "classes": 5, "folder": "f", "manifest": "m.csv"}},
        "classifiers": classifiers,
        "smoothing": SETTINGS,
        "experiments": {"photos": {"seeds": [0], "smoothing": ["tiny", "other", "spoilt", "gone"]}},
    }
    changes["datasets"]["photos"]["class_names"] = "names.csv"
    changes["experiments"]["photos"] |= {"classifiers": [], "backworking": [], "retraining": []}
    config = deep_merge(read_config(ROOT), changes)
    config["experiments"] = {name: config["experiments"][name] for name in ("digits", "photos")}
    config["targets"] = {"demo": ["digits"], "paper": ["photos"]}
    write_config(folder, config)
    rows = [f"{label},n{label:08},{name}" for label, name in enumerate(NAMES)]
    (folder / "names.csv").write_text("\n".join(["label,wordnet,name", *rows, ""]), encoding="utf-8")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31, 3)).astype(np.uint8)
    pixels = pixels // 2 + np.linspace(0, 127, 31, dtype=np.uint8)[:, None]
    Image.fromarray(pixels).save(folder / "photo of mine.png")
    Image.fromarray(pixels).convert("L").save(folder / "grey.png")
    Image.new("RGBA", (31, 20), (9, 9, 9, 90)).save(folder / "half.png")
    Image.fromarray(pixels[:1, :1]).save(folder / "dot.png")
    (folder / "text.png").write_text("no image")
    return folder


@pytest.fixture
def folder(source, tmp_path, monkeypatch):
    """A copy of the files to work in; it is the working directory."""
    folder = shutil.copytree(source, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def run(folder, *arguments, image="photo of mine.png", dataset="photos"):
    """Classify an image of `folder` by its configuration; returns the rows."""
    options = ["--dataset", dataset, "--output", str(folder / "out")]
    classify.main([str(folder / image), *options, *map(str, arguments)])
    return pd.read_csv(folder / "out.csv")


def pixels_of(folder):
    image = np.asarray(Image.open(folder / "photo of mine.png")).astype(np.float32) / 255
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def test_rows_are_those_of_one_step_after_the_other(folder):
    rows = run(folder)
    model = Tiny(5)
    expected = []
    for sigma in SIGMAS:
        view = add_noise(pixels_of(folder), ["photo of mine.png"], sigma, SEED)
        for _ in range(3):
            prepared = transforms.center_crop(transforms.resize(view, 16, antialias=False), 12)
            expected.append(model(prepared)[0].detach().numpy())
            view = gaussian_blur2d(view, (5, 5), (1.0, 1.0))
    logits = np.array(expected)
    assert rows["logit"].to_numpy() == pytest.approx(logits.max(1), abs=1e-3)
    assert rows["predicted"].tolist() == logits.argmax(1).tolist()
    shares = np.exp(logits - logits.max(1, keepdims=True))
    assert rows["p"].to_numpy() == pytest.approx(1 / shares.sum(1), abs=1e-4)


def test_rows_say_what_they_are(folder):
    rows = run(folder)
    assert list(rows)[:7] == ["classifier", "image", "seed", "kernel", "sigma", "view", "predicted"]
    assert list(rows)[7:] == ["name", "logit", "p", "decision"]
    assert rows["view"].tolist() == ["ns", "ss", "ds"] * 3
    assert rows["sigma"].tolist() == np.repeat(SIGMAS, 3).tolist()
    assert rows["name"].tolist() == [NAMES[label] for label in rows["predicted"]]
    assert rows["decision"].tolist() == [0] * 6 + [-1] * 3
    assert (rows[["classifier", "image", "seed", "kernel"]] == ["tiny", "photo of mine.png", SEED, 5]).all(axis=None)


@pytest.mark.parametrize(("kernel", "seed"), [(5, 7), (3, 8)])
def test_votes_are_those_of_the_sweep(folder, kernel, seed):
    rows = run(folder, "--kernel", kernel, "--seed", seed, "--sigma", 0.25, 0.5)
    settings = SmoothingSettings(sigmas=(0.25, 0.5), kernels=(5, 3), seeds=(7, 8))
    batch = Batch(["photo of mine.png"], pixels_of(folder), torch.tensor([1]))
    score = partial(predict, Tiny(5), batch_size=4, classes=5)
    (swept,) = sweep([batch], lambda item: item, score, settings, Preprocessing(resize=16, crop=12))
    votes = [row for row in swept if (row.kernel, row.seed) == (kernel, seed)]
    assert rows["predicted"].tolist() == [label for row in votes for label in (row.ns, row.ss, row.ds)]
    assert rows["decision"].tolist() == [row.decision for row in votes for _ in range(3)]
    assert rows["p"].tolist() == pytest.approx([p for row in votes for p in (row.p_ns, row.p_ss, row.p_ds)], abs=1e-5)


def test_the_noise_is_that_of_the_file_name(folder):
    before = run(folder, "--sigma", 0.5)
    (folder / "elsewhere").mkdir()
    (folder / "photo of mine.png").rename(folder / "elsewhere/photo of mine.png")
    moved = run(folder, "--sigma", 0.5, image="elsewhere/photo of mine.png")
    (folder / "elsewhere/photo of mine.png").rename(folder / "renamed.png")
    renamed = run(folder, "--sigma", 0.5, image="renamed.png")
    assert moved["logit"].tolist() == before["logit"].tolist()
    assert renamed["logit"].tolist() != before["logit"].tolist()


def test_an_image_whose_name_is_not_utf_8(folder, capsys):
    (folder / "photo of mine.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    rows = run(folder, image=os.fsdecode(b"caf\xe9.png"))
    assert set(rows["image"]) == {r"caf\xe9.png"}
    assert capsys.readouterr().out.startswith(r"caf\xe9.png: tiny")
    assert r"<!-- caf\xe9.png: tiny" in (folder / "out.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["results/photos/images", "local data/f", "linked/f"])
@pytest.mark.parametrize("way", ["{0}/{1}", "{0}/../{2}/{1}"])
def test_an_image_of_the_dataset_gets_the_noise_of_the_sweep(folder, place, way):
    """Which is that of its path inside the folder, however it is reached."""
    inside = folder / "local data/f/deep/photo of mine.png"
    inside.parent.mkdir(parents=True)
    shutil.copy(folder / "photo of mine.png", inside)
    (folder / "linked").symlink_to(folder / "local data")
    link = folder / "results/photos/images/deep/photo of mine.png"
    link.parent.mkdir(parents=True)
    link.symlink_to(inside)  # as fetch_images.py makes it
    image = way.format(place, "deep/photo of mine.png", Path(place).name)
    rows = run(folder, "--sigma", 0.25, 0.5, image=image)
    assert rows["image"].unique().tolist() == ["deep/photo of mine.png"]
    settings = SmoothingSettings(sigmas=(0.25, 0.5), kernels=(5,), seeds=(SEED,))
    batch = Batch(["deep/photo of mine.png"], pixels_of(folder), torch.tensor([1]))
    score = partial(predict, Tiny(5), batch_size=4, classes=5)
    (swept,) = sweep([batch], lambda item: item, score, settings, Preprocessing(resize=16, crop=12))
    assert rows["p"].tolist() == pytest.approx([p for row in swept for p in (row.p_ns, row.p_ss, row.p_ds)], abs=1e-5)


def test_names_may_stand_in_the_configuration(folder):
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["datasets"]["photos"]["class_names"] = list("ABCDE")
    write_config(folder, config)
    rows = run(folder)
    assert rows["name"].tolist() == ["ABCDE"[number] for number in rows["predicted"]]


def test_equal_names_in_two_folders_get_different_noise(folder):
    logits = []
    for place in ("a", "b"):
        path = folder / "local data/f" / place / "x.png"
        path.parent.mkdir(parents=True)
        shutil.copy(folder / "photo of mine.png", path)
        logits.append(run(folder, "--sigma", 0.5, image=path)["logit"].tolist())
    assert logits[0] != logits[1]


@pytest.mark.parametrize("way", ["option", "dataset"])
def test_the_image_is_turned_upright_where_it_is_asked_for(folder, way):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(folder / "photo of mine.png")
    image.save(folder / "lying.png", exif=exif)
    image.transpose(Image.Transpose.ROTATE_270).save(folder / "upright.png")
    lying, upright = (run(folder, "--id", "a", image=name)["logit"].tolist() for name in ("lying.png", "upright.png"))
    options = ["--exif-orientation"] if way == "option" else []
    if way == "dataset":
        config = read_config(folder)
        config["datasets"]["photos"]["exif_orientation"] = True
        write_config(folder, config)
    assert run(folder, "--id", "a", *options, image="lying.png")["logit"].tolist() == upright != lying


def test_the_id_can_be_given(folder):
    plain = run(folder, "--sigma", 0.5)
    shutil.copy(folder / "photo of mine.png", folder / "renamed.png")
    same = run(folder, "--sigma", 0.5, "--id", "photo of mine.png", image="renamed.png")
    other = run(folder, "--sigma", 0.5, "--id", "007", image="photo of mine.png")
    pd.testing.assert_frame_equal(same, plain)
    assert other["logit"].tolist() != plain["logit"].tolist()


def test_terminal_and_figures(folder, capsys):
    rows = run(folder, "--sigma", 0, 0.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photo of mine.png: tiny, 5 taps, noise seed 7"
    assert len(lines) == 2 + 2 * 4
    assert lines[2].split()[:3] == ["0", "not", "blurred"]
    assert float(lines[6].split()[-2]) == pytest.approx(rows["logit"].iloc[3], abs=6e-4)
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert b"<!-- photo of mine.png: tiny, 5 taps, noise seed 7 -->" in (folder / "out.svg").read_bytes()


def test_a_folder_gets_files_named_after_image_and_classifier(folder):
    options = ["--dataset", "photos", "--sigma", "0"]
    classify.main([str(folder / "photo of mine.png"), *options, "--output", f"{folder}/made/", "--rows", f"{folder}/r"])
    assert sorted(path.name for path in (folder / "made").iterdir()) == [
        "photo of mine-tiny.png",
        "photo of mine-tiny.svg",
    ]
    assert (folder / "r").read_text().startswith("classifier,image")


def test_the_classifier_is_fetched_once(folder):
    first = run(folder)
    assert sha256(folder / "results/photos/tiny/pretrained") == sha256(folder / "local data/models/tiny.pt")
    shutil.rmtree(folder / "local data")
    pd.testing.assert_frame_equal(run(folder), first)


@pytest.mark.parametrize("program", [classify, fool])
def test_the_configuration_is_given_as_to_snakemake(program):
    first, second = (program.parse(["x.png", option, "a.yaml", "b.yaml"]) for option in ("--config", "--configfile"))
    assert first == second
    assert first.config == [Path("a.yaml"), Path("b.yaml")]


def test_a_changed_classifier_is_fetched_again(folder):
    """As the pipeline does; where it cannot be had, the copy stays."""
    run(folder, "--classifier", "tiny")
    copy = folder / "results/photos/tiny/pretrained"
    changed = save_classifier(folder / "local data/models/changed.pt", scale=0.5)
    write_config(folder, deep_merge(read_config(folder), {"classifiers": {"tiny": changed}}))
    rows = run(folder, "--classifier", "tiny")
    assert sha256(copy) == changed["sha256"]
    copy.write_bytes(b"damaged")
    pd.testing.assert_frame_equal(run(folder, "--classifier", "tiny"), rows)
    copy.write_bytes(b"damaged")
    (folder / "local data/models/changed.pt").unlink()
    with pytest.raises(SpuriousError, match=r"put changed\.pt into"):
        run(folder, "--classifier", "tiny")
    assert copy.read_bytes() == b"damaged"


def test_options_in_the_place_of_a_configuration(folder):
    by_configuration = run(folder)
    file = folder / "local data/models/tiny.pt"
    entry = {"torchscript": "tiny.pt", "sha256": sha256(file), "resize": 16, "crop": 12}
    options = {"classifier": "tiny", "weights": file, "entry": json.dumps(entry), "settings": json.dumps(SETTINGS)}
    options |= {"class-names": folder / "names.csv", "output": folder / "out", "config": folder / "none.yaml"}
    (folder / "config.yaml").unlink()
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    classify.main([str(folder / "photo of mine.png"), *arguments])
    pd.testing.assert_frame_equal(pd.read_csv(folder / "out.csv"), by_configuration)
    with pytest.raises(SpuriousError, match="--weights: needs --entry beside it"):
        classify.main([str(folder / "photo of mine.png"), *arguments[:4]])


def test_weights_that_were_trained_here(folder):
    from pipeline.files.weights import write_weights
    from spurious.classifiers.models import Description, build_classifier

    with pytest.raises(SpuriousError, match="run: snakemake --cores 2 results/digits/softmax/seed0/weights"):
        run(folder, "--classifier", "softmax", dataset="digits")
    description = Description(architecture="softmax", image_shape=(3, 20, 31), classes=10)
    model = build_classifier(description)
    write_weights(folder / "results/digits/softmax/seed0/weights.safetensors", model, description)
    rows = run(folder, "--classifier", "softmax", "--sigma", 0, dataset="digits")
    assert rows["logit"].iloc[0] == pytest.approx(model(pixels_of(folder)).max().item(), abs=1e-4)
    assert rows["name"].tolist() == rows["predicted"].tolist()  # these classes have no names


def test_a_classifier_of_other_images(folder):
    from pipeline.files.weights import write_weights
    from spurious.classifiers.models import Description, build_classifier

    description = Description(architecture="softmax", image_shape=(1, 28, 28), classes=10)
    write_weights(
        folder / "results/digits/softmax/seed0/weights.safetensors", build_classifier(description), description
    )
    with pytest.raises(SpuriousError, match=r"photo of mine.png: the classifier softmax cannot take it \("):
        run(folder, "--classifier", "softmax", dataset="digits")


@pytest.mark.parametrize(
    ("arguments", "image", "message"),
    [
        ([], "half.png", "half.png: transparent in places .* put it on a background"),
        ([], "text.png", "text.png: no JPEG, PNG, .* or TIFF image"),
        ([], "none.png", "none.png: cannot be read .*; give the path of a photograph"),
        ([], "dot.png", "dot.png: its 1x1 pixels are too few for a kernel of 5"),
        (["--kernel", 4], "photo of mine.png", "^--kernel: 4 is not a positive odd number of taps$"),
        (["--kernel", 0], "photo of mine.png", "^--kernel: 0 is not a positive odd number of taps$"),
        (["--sigma", -1], "photo of mine.png", "^--sigma: -1 is not a standard deviation, a number of 0 or more$"),
        (["--sigma", 0, "nan"], "photo of mine.png", "^--sigma: nan is not a standard deviation"),
        (["--threads", 0], "photo of mine.png", "^--threads: 0 is not a number of threads from 1 to 1024$"),
        (["--seed", -1], "photo of mine.png", r"^--seed: -1 is not a seed, a whole number from 0 to 2\^63 - 1$"),
        (["--seed", 2**70], "photo of mine.png", f"^--seed: {2**70} is not a seed"),
        (["--gpu", -1], "photo of mine.png", "^--gpu: -1 is not a whole number of 0 or more$"),
        (["--entry", "{{"], "photo of mine.png", r"^--entry: '\{' is not JSON \("),
        (["--settings", '{{"sigma": 1}}'], "photo of mine.png", "^--settings: .*unknown key 'sigma'"),
        (["--kernl", 5], "photo of mine.png", "^unrecognized arguments: --kernl 5$"),
        (["--classifier", "spoilt"], "photo of mine.png", "classifier spoilt: .* no numbers"),
        (
            ["--classifier", "other"],
            "photo of mine.png",
            r"classifier other: .* logits \(3, 4\), not one for each of 5",
        ),
        (["--classifier", "gone"], "photo of mine.png", "put gone.pt into .*local data/models"),
        (
            ["--classifier", "tiny2"],
            "photo of mine.png",
            "^--classifier: unknown classifier 'tiny2'; did you mean 'tiny'",
        ),
        (["--dataset", "photo"], "photo of mine.png", "^--dataset: unknown dataset 'photo'; did you mean 'photos'"),
        (["--output", "{folder}/photo of mine"], "photo of mine.png", "is the image itself; give another --output"),
    ],
)
def test_one_line_for_what_a_user_can_fix(folder, arguments, image, message):
    with pytest.raises(SpuriousError, match=message) as raised:
        run(folder, *(str(text).format(folder=folder) for text in arguments), image=image)
    assert "\n" not in str(raised.value)
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("names.csv", lambda text: text.replace("4,n00000004,maillot\n", ""), "names.csv: label 4 has no row"),
        ("config.yaml", lambda text: "a: [", "config.yaml: no readable configuration"),
        ("config.yaml", lambda text: "", r"config.yaml: no readable configuration \(not keys"),
        (
            "config.yaml",
            lambda text: text.replace("blur_sigma:", "blursigma:"),
            "key 'blursigma'; did you mean",
        ),
    ],
)
def test_one_line_for_a_wrong_file(folder, file, change, message):
    (folder / file).write_text(change((folder / file).read_text()))
    with pytest.raises(SpuriousError, match=message) as raised:
        run(folder)
    assert "\n" not in str(raised.value)


def test_any_number_of_views(folder, capsys):
    views = ["median", "ns", "ss", {"kind": "jpeg", "quality": 30}]
    (folder / "changes.yaml").write_text(f"smoothing: {json.dumps({'views': views})}")
    rows = run(folder, "--config", folder / "changes.yaml", "--sigma", 0, 0.25)
    assert rows["view"].tolist() == ["median", "ns", "ss", "jpeg"] * 2
    before = run(folder, "--sigma", 0, 0.25)
    for view in ("ns", "ss"):
        own, other = rows[rows["view"] == view], before[before["view"] == view]
        assert own["logit"].tolist() == pytest.approx(other["logit"].tolist())
    printed = capsys.readouterr().out
    assert "median-filtered" in printed
    assert "JPEG-compressed" in printed
    assert "of 4)" in printed


UPSIDE_DOWN = """
from spurious.views.registry import ColumnName, View


class UpsideDown(View, kind="upside_down"):
    name: ColumnName = "upside_down"

    def __call__(self, images, kernel, sigma):
        return images.flip(-2)
"""


def test_a_view_from_a_file_beside_the_configuration(folder):
    (folder / "mine.py").write_text(UPSIDE_DOWN)
    changes = {"extensions": ["mine.py"], "smoothing": {"views": ["ns", "upside_down"]}}
    (folder / "changes.yaml").write_text(json.dumps(changes))
    rows = run(folder, "--config", folder / "changes.yaml", "--sigma", 0)
    assert rows["view"].tolist() == ["ns", "upside_down"]
    image = Image.open(folder / "photo of mine.png")
    image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(folder / "flipped.png")
    assert run(folder, "--sigma", 0, image="flipped.png")["logit"][0] == pytest.approx(rows["logit"][1], abs=1e-4)


@pytest.mark.parametrize("given", [["changes.yaml"], ["config.yaml", "changes.yaml"]])
def test_files_that_change_the_configuration(folder, given):
    (folder / "changes.yaml").write_text("smoothing: {kernels: [3], sigmas: [0.1]}")
    rows = run(folder, "--configfile", *given)
    assert rows[["kernel", "sigma", "seed"]].drop_duplicates().to_numpy().tolist() == [[3, 0.1, SEED]]


def test_a_file_from_another_folder_changes_the_project_only(folder, tmp_path):
    """Its paths begin in the working directory, a list of names is found among the workflow's own files, too."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.yaml").write_text("datasets: {photos: {class_names: workflow/resources/imagenet_classes.csv}}")
    with pytest.raises(SpuriousError, match=r"^/.*/imagenet_classes\.csv: line 7: label '5' must be .* from 0 to 4"):
        run(folder, "--configfile", elsewhere / "mine.yaml")
    (elsewhere / "mine.yaml").write_text("datasets: {photos: {class_names: other.csv}}")
    (folder / "names.csv").rename(folder / "other.csv")
    run(folder, "--configfile", elsewhere / "mine.yaml")
    assert [path.name for path in elsewhere.iterdir()] == ["mine.yaml"]
    assert (folder / "results/photos/tiny/pretrained").is_file()


def test_no_classifier_meets_noise(folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["experiments"]["photos"]["smoothing"] = []
    write_config(folder, config)
    with pytest.raises(SpuriousError, match=r"^--classifier: is missing, and none meets noise on photos; name one$"):
        run(folder)


def test_a_grey_photograph_is_the_same_in_colour(folder):
    Image.open(folder / "grey.png").convert("RGB").save(folder / "colour.png")
    rows = [run(folder, "--id=one", image=name) for name in ("grey.png", "colour.png")]
    pd.testing.assert_frame_equal(*(own.drop(columns="image", errors="ignore") for own in rows))


def test_what_becomes_rgb_is_noted(folder, capsys):
    run(folder)
    assert "note:" not in capsys.readouterr().err
    run(folder, image="grey.png")
    counted = "1 photograph converted to RGB: 1 of grey levels (mode L)"
    assert f"note: {folder / 'grey.png'}: {counted}\n" in capsys.readouterr().err


def test_as_a_command_it_ends_with_one_line(folder):
    command = [sys.executable, str(ROOT / "scripts/classify.py"), "half.png", "--config", "config.yaml"]
    done = subprocess.run([*command, "--dataset", "photos"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: half.png: transparent in places")
    assert done.stderr.count("\n") == 1


LOCAL = Path(os.environ.get("SPURIOUS_LOCAL_DATA", ""))
CONVERTIBLE = LOCAL / "imagenet-sample-images/n03100240_convertible.JPEG"
MOBILENET = LOCAL / "models/mobilenet_v2_quant.torchscript.pt"


@pytest.mark.skipif(
    not (CONVERTIBLE.is_file() and MOBILENET.is_file()),
    reason="SPURIOUS_LOCAL_DATA names no folder with the sample images and MobileNetV2",
)
def test_the_convertible_of_the_write_up(tmp_path):
    entry = {"torchscript": MOBILENET.name, "sha256": sha256(MOBILENET), "resize": 256, "crop": 224}
    options = {"classifier": "mobilenet", "weights": MOBILENET, "entry": json.dumps(entry), "output": tmp_path / "o"}
    options["class-names"] = ROOT / "workflow/resources/imagenet_classes.csv"
    classify.main([str(CONVERTIBLE), *(text for name, value in options.items() for text in (f"--{name}", str(value)))])
    rows = pd.read_csv(tmp_path / "o.csv")
    names = ["convertible", "sports car", "sports car", *["convertible"] * 6, "bannister", *["convertible"] * 2]
    assert rows["name"].tolist() == names
    assert rows["logit"].iloc[:3].tolist() == pytest.approx([13.492, 12.380, 12.490], abs=0.01)
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 2e6
