"""The chain from a folder of photographs and a supplied program to tables, figures and report."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import make_manifest
from pipeline.files.records import read_record
from projects import carry, contents, error_lines, planned_jobs, read_config, run_snakemake, sha256, write_config
from spurious.report.crate import METADATA

DATASET, CLASSIFIER = "photographs", "mine"
MANIFEST, CLASS_NAMES = "my lists/the manifest.csv", "my lists/names.csv"  # blanks: every path must survive the shell
NAMES = ["brick", "it's a leaf", "lemon", "sky"]  # folders are numbered in the order of their names
COLORS = [(0.7, 0.3, 0.2), (0.2, 0.6, 0.2), (0.9, 0.85, 0.1), (0.4, 0.6, 0.95)]
SIZES = [(40, 56), (61, 33), (48, 48), (90, 70)]
TABLES = {"images-excluded", "smoothing", "smoothing-seeds", "smoothing-variants", "smoothing-tests"}
TABLES |= {"smoothing-agreement", "smoothing-pairs", "smoothing-risk", "smoothing-clean", "claims"}
FIGURES = {"smoothing", "smoothing-gain", f"risk-{CLASSIFIER}", f"gallery-{CLASSIFIER}", f"example-{CLASSIFIER}"}


pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # users bring such programs


class Colors(torch.nn.Module):
    """Names the class whose colour a pixel in the middle has: noise misleads it, blurring helps."""

    def __init__(self):
        super().__init__()
        self.register_buffer("colors", torch.tensor(COLORS))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits."""
        middle = images[:, :, 12, 12]
        return -30 * (middle[:, None] - self.colors).square().sum(dim=2)


def photograph(label, size, random):
    """Height x width pixels around the colour of a class."""
    pixels = np.array(COLORS[label]) + random.normal(0, 0.05, (*size, 3))
    return Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def project(checkout, tmp_path_factory):
    """A copy of the project with 16 photographs, a grey one, and a TorchScript classifier, before any run."""
    folder = shutil.copytree(checkout, tmp_path_factory.mktemp("photographs") / "project")
    data = folder / "local data"
    random = np.random.default_rng(0)
    for label, name in enumerate(NAMES):
        (data / "pictures" / name).mkdir(parents=True)
        for number, size in enumerate(SIZES):
            image = photograph(label, size, random)
            image.save(data / "pictures" / name / f"{number}'s.png")
    image.convert("L").save(data / "pictures" / name / "grey.png")
    (data / "models").mkdir()
    (folder / MANIFEST).parent.mkdir()
    torch.jit.script(Colors()).save(data / "models" / "colors.pt")
    arguments = ["--output", str(folder / MANIFEST), "--write-class-names", str(folder / CLASS_NAMES)]
    make_manifest.main([str(data / "pictures"), *arguments])
    write_config(folder, configuration(folder))
    return folder


def configuration(folder):
    config = read_config(folder)
    config["local_data"] = "local data"
    config["datasets"][DATASET] = {
        "source": "images",
        "classes": len(NAMES),
        "folder": "pictures",
        "manifest": MANIFEST,
        "class_names": CLASS_NAMES,
        "grey_below": 0.1,
        "example": "sky/1's.png",
    }
    program = {"torchscript": "colors.pt", "sha256": sha256(folder / "local data/models/colors.pt")}
    config["classifiers"][CLASSIFIER] = {**program, "resize": 28, "crop": 24}
    smoothing = {"sigmas": [0.0, 0.375], "kernels": [5], "batch_size": 6, "shards": 2, "seeds": [0, 1]}
    smoothing["variants"] = {"published": {}, "antialias": {"antialias": True}, "small": {"noise_at": "prepared"}}
    stages = {stage: [] for stage in ("classifiers", "backworking", "retraining")}
    entry = {"seeds": [0], **stages, "smoothing": [CLASSIFIER], "override": {"smoothing": smoothing}}
    config["experiments"][DATASET] = entry
    config["targets"] = {"demo": [DATASET], "paper": []}
    return config


@pytest.fixture(scope="module")
def done(project, tmp_path_factory):
    """The project after a whole run; a test leaves it as it was."""
    folder = shutil.copytree(project, tmp_path_factory.mktemp("done") / "project", symlinks=True)
    run_snakemake(folder, "demo", "--report", "results/demo.html", "--report-after-run", cores=2)
    return folder


def rerun(done, tmp_path):
    """A copy of the finished project, to change."""
    return shutil.copytree(done, tmp_path / "project", symlinks=True)


def change(folder, **smoothing):
    config = read_config(folder)
    config["experiments"][DATASET]["override"]["smoothing"].update(smoothing)
    write_config(folder, config)


def test_everything_is_made(done):
    results = done / "results" / DATASET
    assert {path.stem for path in (results / "tables").glob("*.csv")} == TABLES
    assert {path.stem for path in (results / "figures").glob("*.png")} == FIGURES
    assert (done / "results/demo.html").stat().st_size > 1e6
    excluded = pd.read_csv(results / "tables/images-excluded.csv")
    assert excluded["image"].tolist() == ["sky/grey.png"]
    table = pd.read_csv(results / "tables/smoothing.csv").set_index("sigma")
    assert (table["n"] == 16).all()
    assert table.loc[0, "acc_ns"] == 1
    assert table.loc[0.375, "acc_ns"] < table.loc[0.375, "acc_ds"]


def test_images_do_not_depend_on_shards_or_batch_size(done, tmp_path):
    folder = rerun(done, tmp_path)
    change(folder, shards=1, batch_size=250)
    path = f"results/{DATASET}/{CLASSIFIER}/smoothing_images.csv"
    before = (folder / path).read_bytes()
    run = run_snakemake(folder, path, "--printshellcmds")
    assert "smooth_shard.py" in {script for script, _ in planned_jobs(run)}
    assert (folder / path).read_bytes() == before


def test_a_broken_photograph_is_named_and_the_other_shard_is_kept(done, tmp_path):
    folder = rerun(done, tmp_path)
    path = folder / f"results/{DATASET}/images/sky/1's.png"  # the fourteenth photograph: of shard 1
    whole, source = path.read_bytes(), path.resolve()
    path.unlink()
    path.write_bytes(whole + b" ")  # still a photograph: only the hash can tell
    made = folder / f"results/{DATASET}/{CLASSIFIER}"
    votes = made / "smoothing_votes.csv"
    shards = [made / f"smoothing/shard{number}.csv" for number in range(2)]
    before = [file.read_bytes() for file in (*shards, votes)]
    for file in (*shards, votes):
        file.unlink()
    target = votes.relative_to(folder)
    failed = run_snakemake(folder, target, "--rerun-triggers", "mtime", check=False)
    assert failed.returncode != 0
    (line,) = error_lines(failed)
    assert "1's.png" in line
    assert [shard.exists() for shard in shards] == [True, False]
    path.unlink()
    path.symlink_to(source)
    again = run_snakemake(folder, target, "--rerun-triggers", "mtime", "--printshellcmds")
    assert [script for script, _ in planned_jobs(again)].count("smooth_shard.py") == 1
    assert [file.read_bytes() for file in (*shards, votes)] == before


BAD = {
    "transparent": (lambda image: Image.new("RGBA", image.size, (9, 9, 9, 90)), "2.png", "put it on a background"),
    "one pixel": (lambda image: image.resize((1, 1)), "2.png", "1x1 pixels are too few for a kernel of 5"),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_odd_photograph_is_named(project, tmp_path, kind):
    make, name, remedy = BAD[kind]
    folder = rerun(project, tmp_path)
    pictures = folder / "local data/pictures"
    make(photograph(2, (30, 30), np.random.default_rng(1))).save(pictures / "sky" / f"odd {name}")
    arguments = ["--output", str(folder / MANIFEST), "--class-names", str(folder / CLASS_NAMES)]
    make_manifest.main([str(pictures), *arguments])
    failed = run_snakemake(folder, f"results/{DATASET}/tables/smoothing.csv", check=False)
    assert failed.returncode != 0
    (line,) = error_lines(failed)
    assert f"odd {name}" in line
    assert remedy in line


def test_a_wrong_number_of_classes_is_told(project, tmp_path):
    folder = rerun(project, tmp_path)
    program = torch.jit.script(Colors())
    program.colors = program.colors[:3]
    program.save(folder / "local data/models/colors.pt")
    config = read_config(folder)
    config["classifiers"][CLASSIFIER]["sha256"] = sha256(folder / "local data/models/colors.pt")
    write_config(folder, config)
    failed = run_snakemake(folder, f"results/{DATASET}/{CLASSIFIER}/smoothing/shard0.csv", check=False)
    assert failed.returncode != 0
    assert all("mine/pretrained: the classifier gives" in line for line in error_lines(failed))
    assert all("not one for each of 4 classes" in line for line in error_lines(failed))
    assert error_lines(failed)


def test_a_program_with_another_hash_is_not_opened(project, tmp_path):
    folder = rerun(project, tmp_path)
    with (folder / "local data/models/colors.pt").open("ab") as file:
        file.write(b"\0")
    failed = run_snakemake(folder, f"results/{DATASET}/{CLASSIFIER}/pretrained", check=False)
    (line,) = error_lines(failed)
    assert "colors.pt" in line
    assert "sha256" in line
    assert not list(folder.glob("results/*/*/smoothing/*.csv"))


def test_the_worked_example_is_the_sweep_of_its_image(done):
    folder = done / "results" / DATASET / CLASSIFIER
    example = pd.read_csv(folder / "example.csv")
    votes = pd.read_csv(folder / "smoothing_votes.csv")
    assert example["name"].isin(NAMES).all()
    assert example["sigma"].drop_duplicates().tolist() == [0.0, 0.375]
    assert example["image"].unique().tolist() == ["sky/1's.png"]
    own = votes[(votes["image"] == "sky/1's.png") & (votes["variant"] == "published") & (votes["seed"] == 0)]
    for sigma in (0.0, 0.375):
        shown, swept = example[example["sigma"] == sigma], own[own["sigma"] == sigma].iloc[0]
        assert shown["predicted"].tolist() == swept[["ns", "ss", "ds"]].tolist(), sigma
        assert shown["p"].tolist() == pytest.approx(swept[["p_ns", "p_ss", "p_ds"]].tolist(), abs=1e-5), sigma
        assert shown["decision"].unique().tolist() == [swept["decision"]]


def test_nothing_is_written_twice(done):
    before = contents(done / "results")
    again = run_snakemake(done, "demo", "--printshellcmds")
    assert not list(planned_jobs(again))
    assert contents(done / "results") == before


def test_settings_reach_the_script_as_json(done):
    """What the classifier is called in the write-up does not rerun it."""
    config = read_config(done)
    config["classifiers"][CLASSIFIER]["published_as"] = "ResNet50"
    text = (done / "config.yaml").read_bytes()
    try:
        write_config(done, config)
        planned = run_snakemake(done, "demo", "--dry-run", "--printshellcmds")
    finally:
        (done / "config.yaml").write_bytes(text)
    assert {script for script, _ in planned_jobs(planned)} == {"write_provenance.py", "write_summary.py"}


def test_provenance_names_what_was_brought_along(done):
    record = read_record(done / "results" / DATASET / METADATA)
    program = f"results/{DATASET}/{CLASSIFIER}/pretrained"
    declared = {MANIFEST: None, CLASS_NAMES: None, program: sha256(done / "local data/models/colors.pt")}
    found = {file["path"]: (file["sha256"], file["declared_sha256"]) for file in record["inputs"]}
    assert found == {path: (sha256(done / path), known) for path, known in declared.items()}
    assert {row["rule"]: row["jobs"] for row in record["rules"]}["smooth_shard"] == 2
    assert record["seeds"] == {"classifiers": [0], "noise": [0, 1]}


def test_photographs_and_what_they_gave_go_to_another_machine(done, tmp_path):
    place = carry(done, tmp_path / "clone")
    assert "Nothing to be done" in run_snakemake(place, "demo", "--dry-run").stdout
    (place / MANIFEST).write_text((place / MANIFEST).read_text().replace("\n", "\r\n"))
    planned = {script for script, _ in planned_jobs(run_snakemake(place, "demo", "--dry-run", "--printshellcmds"))}
    assert {"fetch_images.py", "prepare_images.py", "smooth_shard.py"} <= planned
