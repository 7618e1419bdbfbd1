"""Attacks on photographs of different sizes, by a supplied program, and what such a program must have."""

import json
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

import attack_defence
import verify
from making import make
from projects import sha256
from spurious.attacks.on_decisions import HopSkipJump
from spurious.attacks.within import judged
from spurious.errors import SpuriousError
from spurious.experiments.robustness import rows as rows_module
from spurious.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

COUNT = 8
SETTINGS = {
    "images": 4,
    "archived": 3,
    "sizes": {"linf": [0.1], "l2": [1.0]},
    "checks": {"images": 1},
    "defences": {"vote": {"kind": "vote", "kernel": 3}, "threshold": {"kind": "threshold", "coverage": 0.5}},
    "attacks": {"white-box": {"kind": "white-box", "steps": 4, "targets": 0}},
}


class Tiny(torch.nn.Module):
    """Logits of four classes from the means of the image's quarters; without a gradient where it rounds."""

    def __init__(self, rounds):
        super().__init__()
        self.rounds, self.pool, self.head = rounds, torch.nn.AdaptiveAvgPool2d(2), torch.nn.Linear(12, 4, bias=False)
        self.head.weight.data = torch.randn(4, 12, generator=generator("head")) * 8

    def forward(self, images):
        quarters = self.pool(images - 0.5).flatten(1)
        return self.head(quarters.detach() if self.rounds else quarters)


@pytest.fixture
def options(tmp_path):
    """Photographs of different sizes with their list, as options; `entry` and `weights` come from `program`."""
    folder = tmp_path / "results/photos/images"
    folder.mkdir(parents=True)
    rows, model = [], Tiny(False)
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (18 + number, 20, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(file := folder / f"{number}.png")
        label = int(model(torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]).argmax())
        rows.append({"image": file.name, "label": label, "name": "x", "sha256": sha256(file), "kept": True})
    pd.DataFrame(rows).to_csv(tmp_path / "results/photos/images.csv", index=False)
    own = tmp_path / "results/photos/tiny/seed0/robustness/shard0.csv"
    options = {"data": [folder, tmp_path / "results/photos/images.csv"], "classifier": ["tiny"], "seed": [0]}
    return options | {"settings": [json.dumps(SETTINGS)], "rows": [own], "found": [own.with_suffix(".safetensors")]}


def program(tmp_path, rounds=False):
    """The options of a classifier that takes 16 x 16 pixels."""
    path = tmp_path / "results/photos/tiny/pretrained"
    path.parent.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of the format
        torch.jit.trace(Tiny(rounds), torch.zeros(1, 3, 16, 16)).save(path)
    entry = {"torchscript": "tiny.pt", "sha256": sha256(path), "resize": 18, "crop": 16}
    return {"weights": [path], "entry": [json.dumps(entry)]}


def attack(options, **changes):
    given = options | changes
    attack_defence.main([str(text) for name, values in given.items() for text in (f"--{name}", *values)])
    return pd.read_csv(given["rows"][0])


def test_photographs_are_attacked_one_by_one_and_verified(options, tmp_path, capsys):
    rows = attack(options | program(tmp_path))
    plain = rows[rows["variant"] == "plain"]
    assert plain["id"].nunique() == 4
    assert plain["found"].any()
    assert set(rows["id"][rows["variant"] != "plain"]) == {plain["id"].iloc[0]}
    found = load_file(options["found"][0])
    examples = {name: found.pop(name) for name in list(found) if name.startswith("examples/")}
    assert {name.rpartition("/")[2] for name in examples} == {"original", "fooled", "views", "labels"}
    assert {image.shape for name, image in examples.items() if name.endswith("fooled")} == {(3, 16, 16)}
    assert {name.rpartition("/")[2] for name in found} <= set(plain["id"].unique()[:3])
    for name, image in found.items():
        assert image.shape == (3, 18 + int(name[-5]), 20)
    (tmp_path / "results/photos/tables").mkdir()
    make(tmp_path / "results/photos/tables", "table", "robustness", {"rows": options["rows"]})
    drawn = make(tmp_path, "figure", "robustness-images", {"examples": options["found"][0]})
    assert "tiny behind vote, seed 0, attacked: white-box" in drawn["svg"].read_text(encoding="utf-8")
    verify.main([str(tmp_path / "results")])
    first, second = capsys.readouterr().out.splitlines()
    kept = plain[plain["found"]].drop_duplicates(["defence", "attack", "norm", "id"])
    assert f"{len(kept)} adversarial images from 4 originals, {len(found)} kept and judged again" in first
    assert second.endswith("robustness.csv: counted again")


def test_a_search_along_the_border_knows_the_first_photographs_that_nobody_attacks(options, tmp_path, monkeypatch):
    known = []
    monkeypatch.setattr(
        HopSkipJump,
        "__call__",
        lambda self, attacked, plain, starts, ball, *, seed: (
            known.append([*self._others]) or judged(attacked, starts.images, starts.labels)
        ),
    )
    monkeypatch.setattr(rows_module, "OTHERS", 3)
    settings = json.dumps(SETTINGS | {"attacks": {"hop": {"kind": "hop-skip-jump", "rounds": 1}}})
    rows = attack(options | program(tmp_path) | {"settings": [settings]})
    names = sorted(path.name for path in options["data"][0].iterdir())
    others = {tuple(known[0][place].shape) for place in range(3)}
    attacked = {(3, 18 + int(name.removesuffix(".png")), 20) for name in set(rows["id"])}
    assert len(known[0]) == 3
    assert others < {(3, 18 + place, 20) for place in range(len(names))} - attacked


def transferring(tmp_path, rounds=False):
    """The options of an attack that follows another file, and of the attacked one."""
    made = program(tmp_path, rounds)
    other = tmp_path / "other.pt"
    shutil.copy(made["weights"][0], other)
    entry = json.loads(made["entry"][0])
    attacked = program(tmp_path)
    attacks = {"transfer": {"kind": "transfer", "classifier": "other", "steps": 4}}
    settings = json.dumps(SETTINGS | {"attacks": SETTINGS["attacks"] | attacks})
    return attacked | {
        "settings": [settings],
        "sources": [f"transfer={other}"],
        "source-entries": [json.dumps({"transfer": entry})],
    }


def test_an_attack_follows_the_file_of_another_classifier(options, tmp_path, capsys):
    alone, both = attack(options | program(tmp_path)), attack(options | transferring(tmp_path))
    own = both[both["attack"] == "transfer"]
    assert own["found"].any()  # the same network: what is found is what an oblivious attacker finds
    assert set(own["sees"]) == {"another"}
    pd.testing.assert_frame_equal(both[both["attack"] != "transfer"].reset_index(drop=True), alone)
    (tmp_path / "results/photos/tables").mkdir()
    table = make(tmp_path / "results/photos/tables", "table", "robustness", {"rows": options["rows"]})
    assert "transfer" in pd.read_csv(table["csv"])["attack"].tolist()
    with safe_open(options["found"][0], "pt") as file:
        followed = json.loads(file.metadata()["archive"])["sources"]["transfer"]
    assert followed["file"].endswith("/other.pt")
    assert "torchscript" in followed["entry"]
    verify.main([str(tmp_path / "results")])
    assert capsys.readouterr().out.splitlines()[-1].endswith("robustness.csv: counted again")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"sources": []}, "^--sources, --source-entries: the attack 'transfer' is missing"),
        ({"source-entries": ["{}"]}, "^--sources, --source-entries: the attack 'transfer' is missing"),
    ],
)
def test_a_source_that_is_not_given_is_one_line(changes, line, options, tmp_path):
    with pytest.raises(SpuriousError, match=line):
        attack(options | transferring(tmp_path) | changes)


def test_a_source_without_a_gradient_is_one_line(options, tmp_path):
    with pytest.raises(SpuriousError, match="transfer: from another classifier: the classifier has no gradient"):
        attack(options | transferring(tmp_path, rounds=True))


def test_shards_attack_all_of_them_once_by_the_same_threshold(options, tmp_path):
    options |= program(tmp_path)
    whole = attack(options).set_index(["variant", "defence", "norm", "id"]).sort_index()
    parts = [attack(options, shards=[2], shard=[shard]) for shard in range(2)]
    joined = pd.concat(parts).set_index(["variant", "defence", "norm", "id"]).sort_index()
    pd.testing.assert_frame_equal(joined, whole)


@pytest.mark.parametrize(
    ("shard", "shards", "line"),
    [(2, 2, "with --shards 2 it must be from 0 to 1"), (4, 5, "has none of 4 images; lower")],
)
def test_a_shard_without_images_is_one_line(shard, shards, line, options, tmp_path):
    with pytest.raises(SpuriousError, match=f"^--shard {shard}: {line}"):
        attack(options | program(tmp_path), shards=[shards], shard=[shard])


def test_without_others_there_is_no_threshold(options, tmp_path):
    settings = json.dumps(SETTINGS | {"images": COUNT})
    with pytest.raises(SpuriousError, match="pretrained: threshold: nothing to choose its log_odds by"):
        attack(options | program(tmp_path), settings=[settings])


def test_a_classifier_without_a_gradient_is_one_line_and_leaves_the_results(options, tmp_path):
    attack(options | program(tmp_path))
    shutil.copy(options["rows"][0], tmp_path / "before.csv")
    with pytest.raises(SpuriousError, match="pretrained: the classifier has no gradient on the pixels; attack it by"):
        attack(options | program(tmp_path, rounds=True))
    assert options["rows"][0].read_bytes() == (tmp_path / "before.csv").read_bytes()
