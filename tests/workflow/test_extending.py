"""What docs/extending.md and docs/extending-results.md say to write, as it stands there: planned, run, and found."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from projects import (
    DATASET,
    ROOT,
    TINY,
    changed_config,
    error_lines,
    planned_jobs,
    planned_results,
    read_config,
    run_snakemake,
    write_config,
)
from spurious.configuration import deep_merge
from spurious.defences.defended import Defended
from spurious.defences.kinds import Defence
from spurious.defences.rejection import REJECTED
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing

PAGES = ("extending", "extending-results")  # one text, in this order
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Every room, one classifier in most of them: the architecture of the document wherever no search needs its layers.
EXPERIMENT = {
    "seeds": [0, 1],
    "classifiers": ["cnn", "mlp"],
    "backworking": ["cnn"],
    "retraining": ["cnn"],
    "smoothing": ["cnn", "mlp"],
    "linear": True,
    "fooling": ["mlp"],
    "black_box": ["mlp"],
    "transfer": {"cnn": [0], "mlp": [0]},
    "robustness": ["mlp"],
    "certification": ["mlp"],
    "counts": ["cnn", "mlp"],
    "override": TINY["experiments"][DATASET]["override"],
}
CAPTIONS = ("table_confusions", "figure_confusions", "table_counts")


def document():
    """The text of the pages."""
    return "\n".join((ROOT / f"docs/{page}.md").read_text(encoding="utf-8") for page in PAGES)


def blocks():
    """(language, text) of every block of the document."""
    return BLOCK.findall(document())


def written_files():
    """{path: text} of the document's Python blocks, which name their file in the first line."""
    files = {}
    for language, text in blocks():
        if language == "python":
            path, own = re.match(r"# (\S+)\n(.*)", text, re.DOTALL).groups()
            files[path] = files.get(path, "") + own + "\n"
    return files


def written_settings():
    """The document's YAML blocks as one configuration."""
    settings = {}
    for language, text in blocks():
        if language == "yaml":
            settings = deep_merge(settings, yaml.safe_load(text))
    return settings


@pytest.fixture(scope="module")
def extended(checkout, tmp_path_factory):
    """The tiny project with everything of the document in it, and an experiment that uses it; nothing has run."""
    folder = shutil.copytree(checkout, tmp_path_factory.mktemp("extended") / "project")
    for name, text in written_files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + "\n" + text, encoding="utf-8")
    for name in CAPTIONS:
        (folder / f"workflow/report/{name}.rst").write_text("Mine.\n", encoding="utf-8")
    config = deep_merge(read_config(folder), written_settings())
    config["experiments"][DATASET] = EXPERIMENT
    write_config(folder, config)
    return folder


def test_every_change_has_a_section():
    text = document()
    sections = re.findall(r"^## (?:An? |Another )?(\w+)", text, re.MULTILINE)
    changes = [
        "view",
        "noise",
        "norm",
        "start",
        "attack",
        "defence",
        "architecture",
        "Negatives",
        "interval",
        "table",
        "figure",
        "experiment",
    ]
    assert sections == [*changes, "What"]


ROW = re.compile(r"^\| (?:an? |another )?(\w+)[^|]*\| [\w ]+ \| (\d+) \| `(\w+)`(?: \(`(.+)`\))? \|$", re.MULTILINE)


def test_a_change_touches_as_many_files_as_the_table_says():
    """The files that the blocks of a section write and its text names; the package of an experiment counts as one."""
    text = document()
    told = {name.lower(): int(files) for name, files, *_ in ROW.findall(text)}
    counted = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:-1]:
        name = re.match(r"(?:An? |Another )?(\w+)", section)[1].lower()
        written = re.findall(r"^# (\S+\.(?:py|smk))$|(workflow/report/\S+\.rst)|^.*of rates: `(.*)`$", section, re.M)
        places = {re.sub(r"(counts)/.*", r"\1", "".join(groups)) for groups in written}
        counted[name] = len(places | ({"config.yaml"} if "```yaml" in section else set()))
    assert counted == told


def test_the_tests_that_the_table_names_are_there():
    for _, _, test, path in ROW.findall(document()):
        source = Path(__file__) if not path else ROOT / path
        assert f"def {test}(" in source.read_text(encoding="utf-8")


def test_everything_is_planned(extended):
    done = run_snakemake(extended, "demo", "--dry-run", "--printshellcmds")
    assert {"tables/confusions", "figures/confusions-mlp", "tables/counts"} <= planned_results(done).keys()
    assert {"retrain_classifier.py", "fool_classifier.py", "smooth_shard.py"} <= {
        name for name, _ in planned_jobs(done)
    }
    for name in ("cnn", "mlp"):
        assert f"counts.rows:counted --input predictions results/{DATASET}/{name}/seed0/" in done.stdout
    for words in ("--negatives inverted --target extra", '"pgd-rms"', '"kind": "blind"', '"noise": "speckle"'):
        assert words in done.stdout, words


def test_the_defence_of_the_document_rejects_where_one_view_differs(monkeypatch):
    monkeypatch.setattr(Defence, "kinds", dict(Defence.kinds))  # what the document registers is gone after the test
    (source,) = (text for _, text in blocks() if "class Unanimous" in text)
    written = {}
    exec(source, written)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4)).requires_grad_(False)
    images = torch.rand(500, 1, 8, 8, generator=generator("unanimous"))
    labels = torch.stack([model(look(images, Preprocessing())).argmax(1) for look in written["Unanimous"]().looks])
    expected = torch.where((labels == labels[0]).all(0), labels[0], REJECTED)
    assert torch.equal(Defended(written["Unanimous"](), model).decide(images), expected)
    assert 0 < (expected == REJECTED).sum() < 500


@pytest.fixture(scope="module")
def results(extended):
    """The folder of the results of the whole demo."""
    run_snakemake(extended, "demo", "--report", "results/demo.html", "--report-after-run", cores=2)
    return extended / "results" / DATASET


def table(results, name):
    return pd.read_csv(results / f"tables/{name}.csv")


@pytest.mark.slow
def test_the_whole_demo_is_made_of_them(extended, results):
    """Nothing is left to do, and the report has what the document adds beside a result of every room."""
    assert "Nothing to be done" in run_snakemake(extended, "demo", "--dry-run").stdout
    rooms = {"backworking", "retraining", "smoothing", "linear", "fooling", "black_box", "transfer", "robustness"}
    found = {path.stem for path in (results / "tables").glob("*.csv")}
    assert rooms | {"classifiers", "certified", "confusions", "counts"} <= found
    report = (extended / "results/demo.html").read_text(encoding="utf-8")
    assert {name for name in ("figures/confusions-cnn.png", "tables/counts.html") if name not in report} == set()


@pytest.mark.slow
def test_a_view_votes_and_a_noise_is_a_variant(results):
    assert {"acc_sharpened", "acc_ds"} <= set(table(results, "smoothing"))
    assert set(table(results, "smoothing-variants")["variant"]) == {"published", "speckle"}


@pytest.mark.slow
def test_a_norm_and_an_attack_fool(results):
    rows = pd.read_csv(results / "mlp/fooling.csv")
    norms = rows.groupby("method")["norm"].first()
    assert norms[["fgsm", "blind", "pgd-rms"]].tolist() == ["linf", "linf", "rms"]
    within = rows.loc[rows["method"] == "pgd-rms", "l2"]
    assert 0 < within.max() <= 0.1 * 12 * 1.0001  # 12 x 12 pixels
    blind = rows[rows["method"] == "blind"]
    assert blind["predicted"].equals(blind["control_predicted"])


@pytest.mark.slow
def test_a_start_is_where_attacks_and_searches_begin(results):
    rows = pd.read_csv(results / "mlp/fooling.csv")
    begun = rows[rows["method"] == "pgd-grey"]
    assert set(begun["start"]) == {"grey"}
    assert begun["label"].isna().all()
    assert (begun["control_predicted"] == begun["clean_predicted"]).all()
    searches = pd.read_csv(results / "cnn/backworking/label0.csv")
    assert "log-p-grey" in set(searches["search"])


@pytest.mark.slow
def test_a_defence_is_attacked_and_certified(results):
    attacked = table(results, "robustness").groupby("defence")[["clean_correct", "clean_rejected"]].first()
    assert attacked.loc["unanimous", "clean_rejected"] >= attacked.loc["vote", "clean_rejected"]
    assert attacked.loc["unanimous", "clean_correct"] <= attacked.loc["vote", "clean_correct"]
    assert "denial" in set(table(results, "robustness").query("defence == 'unanimous'")["attack"])
    certified = table(results, "certified").query("sigma == sigma.max() and radius == 0").set_index("defence")
    assert certified.loc["unanimous", "rejected"] >= certified.loc["vote", "rejected"]
    gains = table(results, "robustness-gain")
    assert ("unanimous", "vote") in set(zip(gains["defence"], gains["beside"], strict=True))


@pytest.mark.slow
def test_an_architecture_is_trained_and_negatives_retrain(results):
    assert "mlp" in set(table(results, "classifiers")["classifier"])
    assert set(table(results, "retraining")["negatives"]) == {"none", "inverted"}


@pytest.mark.slow
def test_tables_figures_and_an_experiment_are_in_the_results(results):
    decided = table(results, "confusions")
    votes = pd.concat(pd.read_csv(results / f"{name}/smoothing_votes.csv") for name in ("cnn", "mlp"))
    assert decided["n"].sum() == len(votes)
    assert (results / "figures/confusions-mlp.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_an_experiment_computes_its_rows_and_its_table(results):
    counts = table(results, "counts").set_index(["classifier", "split"])
    for name in ("cnn", "mlp"):
        seeds = [pd.read_csv(results / f"{name}/seed{seed}/predictions.csv") for seed in EXPERIMENT["seeds"]]
        test = pd.concat(seeds).query("split == 'test'")
        assert counts.loc[(name, "test"), "n"] == len(test)
        assert counts.loc[(name, "test"), "sure"] == (test["probability"] > 0.9).sum()


def test_the_settings_of_an_experiment_are_checked(extended):
    """The section, the classifiers that its entry names, and a key that its package does not have."""
    for changes, words in (
        ({"counts": {"above": 1.0}}, "counts.above: 1.0 is not allowed: an image counts when its p exceeds this"),
        ({"counts": {"below": 0.1}}, "counts: unknown key 'below'; known are above"),
        ({"experiments": {DATASET: {"counts": ["forest"]}}}, f"experiments.{DATASET}.counts[0]: 'forest' has no arch"),
    ):
        with changed_config(extended, changes):
            done = run_snakemake(extended, "demo", "--dry-run", check=False)
        assert any(line.startswith(f"error: config.yaml: {words}") for line in error_lines(done)), done.stdout


def test_an_attack_that_does_not_know_the_norm_from_outside_refuses_it(extended):
    with changed_config(extended, {"robustness": {"sizes": {"rms": [0.1]}}}):
        done = run_snakemake(extended, "demo", "--dry-run", check=False)
    line = "robustness.attacks.square: knows the norms linf and l2 only, and sizes has 'rms': leave the attack out"
    assert any(line in error for error in error_lines(done)), done.stderr


def test_a_room_without_its_rules_is_noticed(extended):
    """The negative case: the table's input is a rule that is nowhere."""
    rules = extended / "workflow/rules/counts.smk"
    text = rules.read_text(encoding="utf-8")
    rules.unlink()
    try:
        done = run_snakemake(extended, "demo", "--dry-run", check=False)
    finally:
        rules.write_text(text, encoding="utf-8")
    assert done.returncode
    assert "Rule count_sure is not defined" in done.stdout + done.stderr
