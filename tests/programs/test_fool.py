"""The two scripts: a whole classifier fooled into files, and one image by hand."""

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

import fool
import fool_classifier
from pipeline.files.results import contents
from pipeline.files.weights import write_weights
from projects import ROOT, read_config, sha256, write_config
from spurious import registry
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.configuration import deep_merge
from spurious.defences.defended import Defended
from spurious.defences.kinds import Defence
from spurious.errors import SpuriousError
from spurious.experiments.fooling.rows import COLUMNS
from spurious.figures.examples import Examples
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing
from spurious.vision import transforms

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ["tench", "goldfish", "crane", "crane", "maillot"]
METHODS = {
    "pgd-linf": {"epsilon": 0.2, "steps": 6},
    "towards": {"epsilon": 2.0, "norm": "l2", "steps": 3, "goal": "targeted"},
    "noise": {"epsilon": 0.2, "steps": 3, "goal": "targeted", "start": "noise", "images": 4},
}
SETTINGS = {"methods": METHODS, "images": 12, "rubbish": 30, "batch_size": 5}


class Tiny(torch.nn.Module):
    """Logits from the means of the image's quarters."""

    def __init__(self):
        super().__init__()
        self.pool, self.head = torch.nn.AdaptiveAvgPool2d(2), torch.nn.Linear(12, len(NAMES), bias=False)
        self.head.weight.data = torch.randn(len(NAMES), 12, generator=torch.Generator().manual_seed(3)) * 8

    def forward(self, images):
        return self.head(self.pool(images - 0.5).flatten(1))


def save_tiny(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of the format
        torch.jit.trace(Tiny(), torch.zeros(1, 3, 12, 12)).save(path)
    return {"torchscript": path.name, "sha256": sha256(path), "resize": 16, "crop": 12}


def save_trained(path, seed=0, shape=(1, 8, 8)):
    description = Description(architecture="cnn", image_shape=shape, classes=10, channels=(3, 4), units=9)
    model = build_classifier(description)
    initialize(model, "published", generator(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, model, description)
    return {"architecture": "cnn", "recipe": "fast", "channels": [3, 4], "units": 9}


def photograph(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 31, 3)).astype(np.uint8)
    return Image.fromarray(pixels // 2 + np.linspace(0, 127, 31, dtype=np.uint8)[:, None])


# --- a whole classifier


@pytest.fixture
def tensors(tmp_path):
    """Data and two seeds of a classifier, as the options of the script."""
    draw = generator("test images")
    data = {}
    for split in ("train", "validation", "test"):
        data[f"{split}_images"] = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8, generator=draw)
        data[f"{split}_labels"] = torch.arange(20) % 10
    save_file(data, tmp_path / "data.safetensors")
    for seed in (3, 1):
        entry = save_trained(tmp_path / f"weights{seed}.safetensors", seed)
    weights = [str(tmp_path / f"weights{seed}.safetensors") for seed in (3, 1)]
    options = {"data": [str(tmp_path / "data.safetensors")], "weights": weights, "seeds": ["3", "1"], "classes": ["10"]}
    return options | {"classifier": ["cnn"], "entry": [json.dumps(entry)], "settings": [json.dumps(SETTINGS)]}


@pytest.fixture
def folder_of_photographs(tmp_path):
    """Photographs and a supplied classifier, as the options of the script."""
    (tmp_path / "images").mkdir()
    rows = []
    for label in range(5):
        file = tmp_path / f"images/{label}.png"
        photograph(label).save(file)
        rows.append(
            {"image": file.name, "label": label, "name": NAMES[label], "sha256": sha256(file), "kept": label != 2}
        )
    pd.DataFrame(rows).to_csv(tmp_path / "images.csv", index=False)
    entry = save_tiny(tmp_path / "tiny.pt")
    options = {"data": [str(tmp_path / "images"), str(tmp_path / "images.csv")], "weights": [str(tmp_path / "tiny.pt")]}
    options |= {"seeds": ["0"], "classifier": ["tiny"], "classes": ["5"], "entry": [json.dumps(entry)]}
    return options | {"settings": [json.dumps({**SETTINGS, "images": 2, "rubbish": 600})]}


def fool_all(options, folder, **changes):
    """Run the script; returns rows, rubbish and the path of the examples."""
    places = {name: [str(folder / f"{name}.out")] for name in ("rows", "rubbish", "examples")}
    given = options | places | changes
    fool_classifier.main([text for name, values in given.items() for text in (f"--{name}", *values)])
    return pd.read_csv(folder / "rows.out"), pd.read_csv(folder / "rubbish.out"), folder / "examples.out"


def test_rows_of_every_seed_and_method(tensors, tmp_path):
    rows, rubbish, examples = fool_all(tensors, tmp_path)
    assert list(rows) == COLUMNS
    counts = rows.groupby(["seed", "method"], sort=False).size()
    assert counts.to_dict() == {(s, m): 4 if m == "noise" else 12 for s in (3, 1) for m in METHODS}
    own = rows[(rows["seed"] == 3) & (rows["method"] == "pgd-linf")]
    assert own["id"].tolist() == list(range(12))
    assert own["label"].tolist() == [label % 10 for label in range(12)]
    assert rubbish.groupby(["seed", "kind"]).size().to_dict() == {
        (seed, kind): count for seed in (1, 3) for kind, count in (("normal", 30), ("uniform", 30), ("test images", 12))
    }
    held = load_file(examples)
    assert set(held) == {f"{method}/{kind}" for method in METHODS for kind in ("original", "fooled")}
    assert held["noise/fooled"].shape == (4, 1, 8, 8)
    shown = contents(Examples, [str(examples)]).rows
    assert shown.groupby("method", sort=False).size().to_dict() == {m: len(held[f"{m}/fooled"]) for m in METHODS}
    assert (shown["seed"] == 3).all()


def test_a_seed_that_is_near_chance_is_named(tensors, tmp_path, capsys):
    settings = [json.dumps({**SETTINGS, "images": 20})]
    rows, *_ = fool_all(tensors, tmp_path, settings=settings)
    assert "near chance" not in capsys.readouterr().err  # at most a few of 20 are right, which says little
    data, own = load_file(tensors["data"][0]), rows[(rows["seed"] == 1) & (rows["method"] == "pgd-linf")]
    data["test_labels"] = (torch.tensor(own["clean_predicted"].tolist()) + 1) % 10
    save_file(data, tensors["data"][0])
    fool_all(tensors, tmp_path, settings=settings)
    assert re.search(r"^cnn, seed 1: gets .*near chance for 10 classes", capsys.readouterr().err, re.MULTILINE)


def test_the_same_bytes_twice_and_one_seed_alone_gives_its_own_rows(tensors, tmp_path):
    rows, rubbish, examples = fool_all(tensors, tmp_path)
    first = examples.read_bytes()
    fool_all(tensors, tmp_path)
    assert examples.read_bytes() == first
    alone, noise, _ = fool_all(tensors, tmp_path, weights=tensors["weights"][1:], seeds=["1"])
    pd.testing.assert_frame_equal(alone, rows[rows["seed"] == 1].reset_index(drop=True))
    pd.testing.assert_frame_equal(noise, rubbish[rubbish["seed"] == 1].reset_index(drop=True))


def test_photographs_are_resized_cropped_and_in_random_order(folder_of_photographs, tmp_path):
    rows, rubbish, examples = fool_all(folder_of_photographs, tmp_path)
    own = rows[rows["method"] == "pgd-linf"]
    assert len(set(own["id"])) == 2
    assert own["id"].tolist() == [f"{label:.0f}.png" for label in own["label"]]
    more, *_ = fool_all(folder_of_photographs, tmp_path, settings=[json.dumps({**SETTINGS, "images": 4, "rubbish": 1})])
    ids = more[more["method"] == "pgd-linf"]["id"].tolist()
    assert ids[:2] == own["id"].tolist()
    assert sorted(ids) == ["0.png", "1.png", "3.png", "4.png"] != ids  # the third is left out, the order is random
    assert rubbish["kind"].value_counts().to_dict() == {"normal": 500, "uniform": 500, "test images": 2}
    model, p = Tiny(), []
    for name in own["id"]:
        image = torch.from_numpy(np.asarray(Image.open(tmp_path / "images" / name)) / np.float32(255)).permute(2, 0, 1)
        prepared = transforms.center_crop(transforms.resize(image[None], 16, antialias=False), 12)
        p.append(model(prepared).softmax(1)[0])
    assert own["clean_predicted"].tolist() == [int(own_p.argmax()) for own_p in p]
    labelled = [own_p[int(label)].item() for own_p, label in zip(p, own["label"], strict=True)]
    assert own["clean_p"].tolist() == pytest.approx(labelled, abs=1e-4)
    assert load_file(examples)["noise/original"].shape == (4, 3, 12, 12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["9"]}, r"weights3.safetensors: .* logits \(5, 10\), not one for each of 9 classes"),
        ({"entry": ['{"architecture": "softmax"}']}, "weights3.safetensors: holds another classifier"),
    ],
)
def test_one_line_for_a_classifier_that_does_not_fit(tensors, tmp_path, changes, message):
    with pytest.raises(SpuriousError, match=message) as raised:
        fool_all(tensors, tmp_path, **changes)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "rows.out").exists()


def test_one_line_for_images_that_do_not_fit(tensors, tmp_path):
    save_trained(tmp_path / "weights3.safetensors", shape=(1, 9, 9))
    with pytest.raises(SpuriousError, match=r"weights3.*does not take images of shape \(1, 8, 8\)"):
        fool_all(tensors, tmp_path)


def test_one_line_for_photographs_of_several_sizes(folder_of_photographs, tmp_path):
    photograph(9).resize((20, 20)).save(tmp_path / "images/4.png")
    rows = pd.read_csv(tmp_path / "images.csv")
    rows.loc[rows["image"] == "4.png", "sha256"] = sha256(tmp_path / "images/4.png")
    rows.to_csv(tmp_path / "images.csv", index=False)
    entry = json.loads(folder_of_photographs["entry"][0])
    entry = {key: entry[key] for key in ("torchscript", "sha256")}
    every = json.dumps({**SETTINGS, "images": 4})
    with pytest.raises(SpuriousError, match="photographs of different sizes; give the classifier a resize and a crop"):
        fool_all(folder_of_photographs, tmp_path, entry=[json.dumps(entry)], settings=[every])


# --- one image


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A configuration with a classifier that is to be fetched and one that was trained, and images to show them."""
    folder = tmp_path_factory.mktemp("fool")
    classifiers = {"tiny": save_tiny(folder / "local/models/tiny.pt")}
    photos = {"source": "images", "classes": 5, "folder": "f", "manifest": "m.csv", "class_names": "names.csv"}
    changes = {"local_data": "local", "datasets": {"photos": photos}, "classifiers": classifiers, "fooling": SETTINGS}
    changes["experiments"] = {"photos": {"seeds": [0], "smoothing": ["tiny"]}}
    changes["experiments"]["photos"] |= {"classifiers": [], "backworking": [], "retraining": []}
    config = deep_merge(read_config(ROOT), changes)
    config["experiments"] = {name: config["experiments"][name] for name in ("digits", "photos")}
    config["experiments"]["digits"]["override"]["classifiers"] = {"cnn": {"channels": [3, 4], "units": 9}}
    config["targets"] = {"demo": ["digits"], "paper": ["photos"]}
    write_config(folder, config)
    rows = [f"{label},n{label:08},{name}" for label, name in enumerate(NAMES)]
    (folder / "names.csv").write_text("\n".join(["label,wordnet,name", *rows, ""]), encoding="utf-8")
    photograph(0).save(folder / "photo.png")
    photograph(0).convert("L").resize((8, 8)).save(folder / "digit.png")
    (folder / "text.png").write_text("no image")
    save_trained(folder / "results/digits/cnn/seed0/weights.safetensors")
    return folder


@pytest.fixture
def folder(source, tmp_path, monkeypatch):
    """A copy of the files to work in; it is the working directory."""
    folder = shutil.copytree(source, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def run(folder, *arguments, image="photo.png", dataset="photos"):
    """Fool an image of `folder` by its configuration; returns what was written."""
    options = ["--dataset", dataset, "--output", str(folder / "out")]
    images = [str(folder / image)] if image else []
    fool.main([*images, *options, *map(str, arguments)])
    return np.asarray(Image.open(folder / "out.png"))


def prepared(folder):
    image = torch.from_numpy(np.asarray(Image.open(folder / "photo.png")) / np.float32(255)).permute(2, 0, 1)
    return transforms.center_crop(transforms.resize(image[None], 16, antialias=False), 12)


def test_a_photograph_to_a_class_by_its_name(folder, capsys):
    written = run(folder, "--target", "Goldfish", "--epsilon", 0.3)
    assert written.shape == (12, 12, 3)
    image = torch.from_numpy(written / np.float32(255)).permute(2, 0, 1)[None]
    before = Tiny()(prepared(folder))[0].argmax().item()
    assert before != 1
    assert Tiny()(image)[0].argmax().item() == 1
    assert (image - prepared(folder)).abs().max() <= 0.3 + 0.5 / 255 + 1e-6
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photo.png: tiny, fooled along its gradient"
    assert lines[1].split()[:2] == ["before", NAMES[before]]
    assert [line.split()[0] for line in lines[1:5]] == ["before", "after", "as", "change:"]
    assert "goldfish  p " in lines[3]
    assert "largest 0.3 (76.5 of 255 levels)" in lines[4]
    p = Tiny()(image).softmax(1)[0, 1].item()
    assert float(lines[3].split()[-1].strip("<>")) == pytest.approx(p, abs=1e-4)
    files = ["out.png: the changed image", "out-figure.png: before, the change, and after"]
    assert lines[5:] == [f"{folder}/{file}" for file in files]
    assert (folder / "out-figure.png").read_bytes().startswith(b"\x89PNG")


def test_an_image_whose_name_is_not_utf_8(folder, capsys):
    (folder / "photo.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    run(folder, image=os.fsdecode(b"caf\xe9.png"))
    assert capsys.readouterr().out.startswith(r"caf\xe9.png: tiny, fooled")


def test_what_is_drawn_for_an_image_of_the_dataset_is_that_of_its_place(folder):
    """Its path inside the dataset's folder, which tells files of equal names apart."""
    methods = {"start": {"epsilon": 0.3, "steps": 1, "step_size": 0.01, "random_start": True}}
    (folder / "start.yaml").write_text(yaml.safe_dump({"fooling": {"methods": methods}}))
    options = ["--method", "start", "--config", folder / "start.yaml"]
    for place in ("a", "b"):
        (folder / "local/f" / place).mkdir(parents=True)
        shutil.copy(folder / "photo.png", folder / "local/f" / place)
    first, second = (run(folder, *options, image=f"local/f/{place}/photo.png") for place in ("a", "b"))
    assert (first != second).any()
    assert (run(folder, *options, "--id", "b/photo.png") == second).all()


def test_away_from_the_label_without_a_target(folder, capsys):
    image = torch.from_numpy(run(folder, "--epsilon", 0.3) / np.float32(255)).permute(2, 0, 1)[None]
    assert Tiny()(image)[0].argmax() != Tiny()(prepared(folder))[0].argmax()
    assert "p of" not in capsys.readouterr().out


def test_from_noise_without_an_image(folder):
    first = run(folder, "--start", "noise", "--target", 4, "--epsilon", 0.4, image=None)
    image = torch.from_numpy(first / np.float32(255)).permute(2, 0, 1)[None]
    assert Tiny()(image)[0].argmax() == 4
    assert (run(folder, "--start", "noise", "--target", 4, "--epsilon", 0.4, image=None) == first).all()
    other = run(folder, "--start", "noise", "--target", 4, "--epsilon", 0.4, "--seed", 1, image=None)
    assert (other != first).any()


def test_what_was_trained_here_takes_grey_images(folder):
    assert run(folder, "--classifier", "cnn", image="digit.png", dataset="digits").shape == (8, 8)
    noise = run(folder, "--classifier", "cnn", "--start", "noise", "--target", "3", image=None, dataset="digits")
    assert noise.shape == (8, 8)
    with pytest.raises(SpuriousError, match=r"photo.png: the classifier does not take images of shape \(1, 20, 31\)"):
        run(folder, "--classifier", "cnn", dataset="digits")


@pytest.mark.parametrize(("classifier", "dataset"), [("tiny", "photos"), ("cnn", "digits")])
def test_the_image_is_turned_upright_where_it_is_asked_for(folder, classifier, dataset):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = photograph(0).resize((8, 8))
    image.save(folder / "lying.tiff", exif=exif)
    image.save(folder / "stored.png")
    image.transpose(Image.Transpose.ROTATE_270).save(folder / "upright.png")

    def made(image, *options):
        given = ("--id", "a", "--classifier", classifier, *options)
        return run(folder, *given, image=image, dataset=dataset).tolist()

    assert made("lying.tiff") == made("stored.png")
    assert made("lying.tiff", "--exif-orientation") == made("upright.png") != made("stored.png")


def test_what_becomes_rgb_is_noted(folder, capsys):
    run(folder)
    assert "note:" not in capsys.readouterr().err
    photograph(0).convert("P").save(folder / "palette.png")
    run(folder, image="palette.png")
    counted = "1 photograph converted to RGB: 1 of a palette (mode P)"
    assert f"note: {folder / 'palette.png'}: {counted}\n" in capsys.readouterr().err


def test_more_steps_of_ones_own(folder):
    one = run(folder, "--steps", 1, "--step-size", 0.02)
    image = torch.from_numpy(one / np.float32(255)).permute(2, 0, 1)[None]
    change = (image - prepared(folder)).abs()
    assert change.max() <= 0.02 + 0.5 / 255 + 1e-6


def test_a_photograph_behind_the_vote_is_attacked_at_its_own_size(folder, capsys):
    written = run(folder, "--defence", "vote", "--epsilon", 0.3, "--steps", 20)
    assert written.shape == (20, 31, 3)
    image, start = (
        torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]
        for pixels in (written, np.asarray(Image.open(folder / "photo.png")))
    )
    assert 0 < (image - start).abs().max() <= 0.3
    defended = Defended(
        registry.parse(Defence, "vote"), Tiny().requires_grad_(False), Preprocessing(resize=16, crop=12)
    )
    before, after = int(defended.decide(start)), int(defended.decide(image))
    assert after not in (before, -1)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert " ".join(lines[0]) == "photo.png: tiny behind vote, attacked by its gradient"
    assert [lines[1][:2], lines[3][2]] == [["before", NAMES[before]], NAMES[after]]
    assert " ".join(lines[-1]) == f"{folder}/out.png: the changed image"
    assert not (folder / "out-figure.png").exists()


@pytest.mark.parametrize(("epsilon", "found"), [(0.3, True), (0.0001, False)])
def test_an_attack_behind_a_defence_shows_its_progress_to_the_end(folder, capsys, epsilon, found):
    """Of every step of every search, whether it was needed or not."""
    run(folder, "--defence", "vote", "--epsilon", epsilon, "--steps", 5)
    done = capsys.readouterr()
    before, after = (line.split()[1] for line in done.out.splitlines()[1:3])
    assert (before != after) == found
    lines = re.findall(r"^attack on vote: .* (\d+)/(\d+) \[[\d:]+<[\d:]+, .*step", done.err, re.MULTILINE)
    searches = 1 + 1 + 3 + len(NAMES) - 1  # joint decision, sum, majorities of three views, and targets
    assert [int(total) for _, total in lines] == [5 * searches] * len(lines)
    assert len(lines) > 1 or found
    assert int(lines[-1][0]) == 5 * searches


def test_a_size_too_small_leaves_the_decision_of_a_configured_defence(folder, capsys):
    run(folder, "--defence", "blur", "--epsilon", 0.0001, "--steps", 2)
    before, after, written = (line.split() for line in capsys.readouterr().out.splitlines()[1:4])
    assert before[1] == after[1] == written[2]


def test_an_image_that_is_rejected_as_it_is_is_one_line(folder):
    never = {"robustness": {"defences": {"never": {"kind": "threshold", "log_odds": 1000.0}}}}
    (folder / "never.yaml").write_text(yaml.safe_dump(never))
    with pytest.raises(SpuriousError, match=r"photo.png: is rejected before any attack; take another image or defence"):
        run(folder, "--defence", "never", "--config", folder / "never.yaml")


def test_files_in_a_folder_are_named_after_image_and_classifier(folder):
    options = ["--dataset", "photos", "--output", f"{folder}/made/"]
    fool.main([str(folder / "photo.png"), *options])
    assert sorted(path.name for path in (folder / "made").iterdir()) == [
        "photo-tiny-fooled-figure.png",
        "photo-tiny-fooled.png",
    ]


REMEDY = "take none, blur, vote, or give a threshold its log_odds"


@pytest.mark.parametrize(
    ("arguments", "image", "message"),
    [
        (["--target", "goldfsh"], "photo.png", "--target: unknown class 'goldfsh'; did you mean 'goldfish'"),
        (["--target", "5"], "photo.png", "there is no class 5; the classifier has 5"),
        (["--target", "crane"], "photo.png", "'crane' is the name of 2 and 3; give the number"),
        (["--target", "1", "--label", "goldfish"], "photo.png", "goldfish is the label of the image itself"),
        (["--step-size", "0"], "photo.png", "^--step-size: 0 is not a number above 0$"),
        (["--step-size", "-1"], "photo.png", "^--step-size: -1 is not a number above 0$"),
        (["--epsilon", "0"], "photo.png", "^--epsilon: 0 is not a number above 0$"),
        (["--epsilon", "nan"], "photo.png", "^--epsilon: nan is not a number above 0$"),
        (["--epsilon", "inf"], "photo.png", "^--epsilon: inf is not a number above 0$"),
        (["--steps", "0"], "photo.png", "^--steps: 0 is not a whole number of 1 or more$"),
        (["--threads", "0"], "photo.png", "^--threads: 0 is not a number of threads"),
        (["--seed", "-1"], "photo.png", "^--seed: -1 is not a seed"),
        (["--method", "pgd-lin"], "photo.png", "--method: unknown method 'pgd-lin'; did you mean 'pgd-linf'"),
        (["--defence", "vot"], "photo.png", "^--defence: unknown defence 'vot'; did you mean 'vote'"),
        (["--defence", "vote", "--target", "1"], "photo.png", "^--target: attacks with --defence have none"),
        (["--defence", "vote", "--step-size", "1"], "photo.png", "^--step-size: attacks with --defence have none"),
        *(
            (["--defence", name], "photo.png", f"^--defence: '{name}' has to be fitted or trained first, .*; {REMEDY}$")
            for name in ("threshold", "denoised")
        ),
        (
            ["--defence", "vote", "--label", "4"],
            "photo.png",
            "photo.png: is classified as class . before any attack, not as 4",
        ),
        (["--start", "noise"], None, "--start noise: has no label to lose; give a --target"),
        ([], None, "IMAGE: missing; give an image to start from, or --start noise"),
        ([], "none.png", "none.png: .*cannot be read"),
        ([], "text.png", "text.png: no JPEG, PNG, .* or TIFF image"),
        (["--output", "{folder}/photo"], "photo.png", "is the image itself; give another --output"),
    ],
)
def test_one_line_for_what_a_user_can_fix(folder, arguments, image, message):
    with pytest.raises(SpuriousError, match=message) as raised:
        run(folder, *(text.format(folder=folder) for text in arguments), image=image)
    assert "\n" not in str(raised.value)
    assert not (folder / "out.png").exists()


def test_as_a_command_it_ends_with_one_line(folder):
    command = [sys.executable, str(ROOT / "scripts/fool.py"), "photo.png", "--config", "config.yaml"]
    arguments = ["--dataset", "photos", "--target", "goldfsh"]
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: --target: unknown class 'goldfsh'; did you mean 'goldfish'?\n"
    done = subprocess.run([*command, "--epsilon", "nan"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: --epsilon: nan is not a number above 0\n")


LOCAL = Path(os.environ.get("SPURIOUS_LOCAL_DATA", ""))
CONVERTIBLE = LOCAL / "imagenet-sample-images/n03100240_convertible.JPEG"
MOBILENET = LOCAL / "models/mobilenet_v2_quant.torchscript.pt"


@pytest.mark.skipif(
    not (CONVERTIBLE.is_file() and MOBILENET.is_file()),
    reason="SPURIOUS_LOCAL_DATA names no folder with the sample images and MobileNetV2",
)
def test_a_convertible_becomes_a_goldfish(tmp_path, capsys):
    changes = {"torchscript": MOBILENET.name, "sha256": sha256(MOBILENET), "resize": 256, "crop": 224}
    (tmp_path / "more.yaml").write_text(json.dumps({"classifiers": {"mobilenet": changes}}))
    config = ["--config", str(ROOT / "config.yaml"), str(tmp_path / "more.yaml"), "--local-data", str(LOCAL)]
    options = ["--classifier", "mobilenet", "--target", "goldfish", "--epsilon", "0.0157", "--output", f"{tmp_path}/o"]
    fool.main([str(CONVERTIBLE), *config, "--results", str(tmp_path / "results"), *options])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[1] == "convertible"
    assert lines[3].split()[2:] == ["goldfish", "p", ">0.9999", "p", "of", "goldfish", ">0.9999"]
