"""Our documents show what was measured, and what they name is there."""

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

import update_readme
from spurious import configuration
from spurious.classifiers.models import SoftmaxRegression
from spurious.classifiers.predictions import accuracy, predict
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, one_hot
from spurious.data.datasets import digits
from spurious.errors import SpuriousError
from spurious.experiments.catalogue import named_classifiers

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = ROOT / "docs" / "measured"
PAGES = [ROOT / "README.md", ROOT / "results/README.md", *sorted(ROOT.glob("docs/*.md"))]
TEXTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("workflow/report/*.rst"), *ROOT.glob("scripts/**/*.py")]
)


@pytest.mark.parametrize("document", update_readme.DOCUMENTS)
def test_every_table_is_that_of_its_file(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert list(update_readme.MARKER.finditer(text))
    assert update_readme.filled(text, ROOT) == text


def test_a_changed_number_is_noticed():
    row = next(line for line in README.splitlines() if line.startswith("| cnn-published"))
    changed = README.replace(row, row.replace("0.9", "0.8", 1))
    assert changed != README
    assert update_readme.filled(changed, ROOT) != changed


def test_a_changed_answer_is_noticed():
    changed = README.replace("**Supported**: Scores alone", "**Contradicted**: Scores alone")
    assert changed != README
    assert update_readme.filled(changed, ROOT) == README


def test_a_changed_count_of_claims_is_noticed():
    page = (ROOT / "docs/claims.md").read_text(encoding="utf-8")
    changed = re.sub(r"Of \d+ claims, \d+ are supported", "Of 38 claims, 38 are supported", page)
    assert changed != page
    assert update_readme.filled(changed, ROOT) == page


def test_a_changed_verdict_is_noticed():
    page = (ROOT / "docs/claims.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "Random forests are not safe." in line)
    changed = page.replace(row, row.replace("supported", "contradicted", 1))
    assert changed != page
    assert update_readme.filled(changed, ROOT) == page


def test_a_changed_arm_of_the_retraining_is_noticed():
    page = (ROOT / "docs/retraining-digits.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if re.match(r"\| acet +\| MNIST ", line))
    assert "| cannot tell | 25" in row
    changed = page.replace(row, row.replace("cannot tell", "helps      "))
    assert changed != page
    assert update_readme.filled(changed, ROOT) == page


def differing(name, root, folder):
    """The share of the pixels of docs/<name>.png that differ from those drawn from the tables under `root`; 1 where the
    sizes do. Up to how another release draws letters.
    """
    update_readme.draw(name, folder / "drawn.png", root)
    paths = (folder / "drawn.png", ROOT / f"docs/{name}.png")
    drawn, kept = (np.asarray(Image.open(path).convert("RGB"), dtype=float) for path in paths)
    return (abs(drawn - kept).max(2) > 64).mean() if drawn.shape == kept.shape else 1


@pytest.mark.parametrize("name", update_readme.PICTURES)
def test_a_picture_is_that_of_its_tables(name, tmp_path):
    assert differing(name, ROOT, tmp_path) < 0.001
    assert any(f"({name}.png)" in page.read_text(encoding="utf-8") for page in PAGES)


def test_a_picture_of_other_numbers_is_noticed(tmp_path):
    _, files, _ = update_readme.PICTURES["robustness"]
    for file in files.values():
        (tmp_path / file).parent.mkdir(parents=True)
        rows = pd.read_csv(ROOT / file)
        changed = (rows["seed"] == "all") & (rows["defence"] == "vote") & (rows["attack"] == "worst")
        assert changed.any()
        rows.loc[changed, [name for name in rows if name.startswith("robust_error_detect")]] *= 0.9
        rows.to_csv(tmp_path / file, index=False)
    assert differing("robustness", tmp_path, tmp_path) >= 0.001


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("retraining*-*.md")), ids=lambda page: page.stem)
def test_what_could_have_been_seen_is_beside_every_verdict_on_retraining(page):
    text = page.read_text(encoding="utf-8")
    tables = [match["columns"].split() for match in update_readme.MARKER.finditer(text)]
    judged = [columns for columns in tables if {"effect", "found_verdict", "says"} & {*columns}]
    assert judged
    assert [columns for columns in judged if not {"found_visible", "example_visible"} & {*columns}] == []


@pytest.mark.parametrize("dataset", update_readme.CLAIMED)
def test_the_claims_of_kept_tables_are_what_the_rules_say_of_them(dataset):
    kept = (MEASURED / dataset / "claims.csv").read_text(encoding="utf-8")
    assert update_readme.claims_from(MEASURED / dataset, ROOT) == kept
    found = pd.read_csv(MEASURED / dataset / "claims.csv")
    assert found["verdict"].isin(["supported", "contradicted"]).sum() > 5
    assert found["measured"].notna().all()  # what is not run says why


@pytest.mark.parametrize("dataset", update_readme.PUBLISHED)
def test_the_published_numbers_of_kept_tables_are_beside_what_these_hold(dataset):
    kept = (MEASURED / dataset / "published.csv").read_text(encoding="utf-8")
    assert update_readme.published_from(MEASURED / dataset, ROOT) == kept
    losses = pd.read_csv(MEASURED / dataset / "published.csv").query("quantity == 'initial loss'")
    assert losses["reproduced"].notna().all()


def test_a_changed_number_of_filled_rows_is_noticed():
    page = (ROOT / "docs/reproduction.md").read_text(encoding="utf-8")
    changed = re.sub(r"`mnist` \d+, ", "`mnist` 9, ", page)
    assert changed != page
    assert update_readme.filled(changed, ROOT) == page


@pytest.mark.parametrize("dataset", update_readme.COMPLETED)
def test_only_claims_that_a_run_left_open_are_decided_by_other_tables(dataset, tmp_path):
    for path in (MEASURED / dataset).glob("*.csv"):
        shutil.copy(path, tmp_path)
    kept = pd.read_csv(tmp_path / "claims.csv")
    assert update_readme.completed_claims(tmp_path, ROOT) == (tmp_path / "claims.csv").read_text(encoding="utf-8")
    decided = kept["table"].eq("backworking-ablation")
    left = kept.assign(verdict=kept["verdict"].mask(decided, "not run"), measured=kept["measured"].mask(decided, "no"))
    left.assign(measured=left["measured"].mask(~decided, "of the run")).to_csv(tmp_path / "claims.csv", index=False)
    found = pd.read_csv(io.StringIO(update_readme.completed_claims(tmp_path, ROOT)))
    assert decided.sum() == 4
    assert found["verdict"].tolist() == kept["verdict"].tolist()
    run = ~decided & kept["verdict"].ne("not run")
    assert found.loc[run, "measured"].eq("of the run").all()


def test_claims_follow_the_tables_and_say_what_a_table_lacks(tmp_path):
    for path in (MEASURED / "mnist").glob("*.csv"):
        pd.read_csv(path).to_csv(tmp_path / path.name, index=False)
    linear = pd.read_csv(tmp_path / "linear.csv")
    linear.assign(fgsm_error=0.1, fgsm_low=0.09, fgsm_high=0.11).to_csv(tmp_path / "linear.csv", index=False)
    pd.read_csv(tmp_path / "transfer.csv").drop(columns="chance").to_csv(tmp_path / "transfer.csv", index=False)
    pd.read_csv(tmp_path / "retraining-summary.csv").drop(columns="classifier").to_csv(
        tmp_path / "retraining-summary.csv", index=False
    )
    (tmp_path / "smoothing.csv").unlink()
    (tmp_path / "claims.csv").write_text(update_readme.claims_from(tmp_path, ROOT), encoding="utf-8")
    found = pd.read_csv(tmp_path / "claims.csv").set_index("claim")
    assert found["verdict"]["Linear classifiers are fooled by their weights alone."] == "contradicted"
    for claim, reason in {
        "Many fooling images fool other networks, too.": "transfer: no column or row \"['chance'] not in index\"",
        "Noise that people see through fools a network.": "no table smoothing",
        "Retraining on found images repairs the artefacts.": "retraining-summary: no column or row 'classifier'",
    }.items():
        assert found["verdict"][claim] == "not run"
        assert found["measured"][claim] == reason


METHODS = re.compile("Wilson|Student|Bonett|[Bb]ootstrap|order statistics|of both|as in the table named")
CAPTIONS = {path.stem: path for path in (ROOT / "workflow/report").glob("table_*.rst")}


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(MEASURED.glob("*/*.csv")) if f"table_{path.stem}" in CAPTIONS],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_captions_name_the_method_of_an_interval(path):
    bounds = [name for name in pd.read_csv(path, nrows=0) if name == "low" or name.endswith("_low")]
    assert not bounds or METHODS.search(CAPTIONS[f"table_{path.stem}"].read_text(encoding="utf-8"))


def test_an_answer_has_the_claims_by_their_verdicts():
    rows = [("A.", "undecided"), ("B.", "supported"), ("C.", "not run"), ("D.", "supported"), ("E.", "not run")]
    claims = verdicts_by_data(digits=dict(rows))
    assert update_readme.answer(claims) == "**Supported**: B. D.<br>**Undecided**: A.<br>Not run: 2 claims."
    assert update_readme.answer(claims[:0]) == "No claim in words."


def test_an_answer_names_the_data_where_their_verdicts_differ():
    claims = verdicts_by_data(
        digits={"A.": "contradicted", "B.": "not run", "C.": "undecided", "D.": "contradicted"},
        MNIST={"A.": "supported", "B.": "supported", "C.": "undecided", "D.": "supported"},
        photographs={"A.": "supported", "B.": "supported", "C.": "not run", "D.": "supported"},
    )
    mixed = "**Supported on MNIST and photographs, contradicted on digits**: A. D."
    assert update_readme.answer(claims) == f"**Supported**: B.<br>**Undecided**: C.<br>{mixed}"
    assert [*update_readme.counted(claims)] == [
        "0 are supported, 2 contradicted, 1 undecided and 1 not run on digits",
        "3, 0, 1 and 0 on MNIST",
        "3, 0, 0 and 1 on photographs",
    ]


def verdicts_by_data(**verdicts):
    """A table of verdicts such as `update_readme.judged` gives, of an experiment."""
    return pd.concat({"smoothing": pd.DataFrame(verdicts)})


def test_the_findings_are_those_of_the_tables():
    """The numbers of the second paragraph, in its order."""
    _, _, findings, *_ = README.split("\n\n")
    claims = {name: pd.read_csv(MEASURED / name / "claims.csv").set_index("claim") for name in FOLDERS}
    searches = pd.read_csv(MEASURED / "mnist/backworking-summary.csv").set_index(["classifier", "search"])
    logit = searches.loc["cnn", "logit"]
    repairs = claims["mnist"].loc["Retraining on found images repairs the artefacts."]
    gain = claims["imagenet-samples"].loc["One blur helps under noise, at each level."]
    cost = claims["imagenet-samples"].loc["One blur costs little on clean images."]
    loss = claims["mnist"].loc["One blur helps under noise, at each level."]
    assert f"{logit['found']:.0f} of {logit['images']:.0f}\nsearches" in findings
    assert f"{rounded(repairs['value'])} % [{bounds(repairs)}] of searches, 86 % before" in findings
    assert "86% before" in repairs["measured"]
    assert f"at least {rounded(gain['value'])} points [{bounds(gain)}] of accuracy on noisy" in findings
    assert f"costs {rounded(cost['value'])} [{bounds(cost)}] on clean ones" in findings
    low, high = sorted(f"{-100 * loss[end]:.1f}".lstrip("0") for end in ("low", "high"))
    assert f"{-100 * loss['value']:.1f}".lstrip("0") + f" [{low}, {high}]\nat σ .125" in findings
    assert "sigma 0.125" in loss["measured"]
    adversary = "Blurring and voting help against an adversary."
    assert {table.loc[adversary, "verdict"] for table in claims.values()} == {"undecided"}


FOLDERS = ("digits", "mnist", "imagenet-samples")


def rounded(share):
    return f"{100 * share:.0f}"


def bounds(claim):
    return f"{rounded(claim['low'])}, {rounded(claim['high'])}"


def test_the_run_time_is_that_of_the_table():
    (row,) = re.findall(r"^\| two cores \|.*", (ROOT / "docs/running.md").read_text(encoding="utf-8"), re.MULTILINE)
    demo, *_, paper = (re.match(r"[\d to]+", cell)[0] for cell in row.strip("| ").split(" | ")[1:])
    assert f"{demo}minutes on 2 idle cores" in README
    assert f"{paper}hours on 2 cores (projected)" in README


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    """To a file, and to a heading of it where one is named."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
        assert not broken(page, link), link


def test_a_link_to_nowhere_is_noticed():
    page = ROOT / "README.md"
    assert broken(page, "docs/none.md")
    assert broken(page, "docs/results.md#none")


def broken(page, link):
    """Whether the file or the heading that a link names is missing."""
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return True
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if heading else ()
    return heading not in {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in headings} | {""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_program_is_there(page):
    for name in re.findall(r"\bpython ((?:scripts|tests)/\S+\.py)", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_plain_words(path):
    """What is corrected is fixed."""
    assert not re.search(r"\b(un)?mend(s|ed|ing)?\b", path.read_text(encoding="utf-8"))


def examples(name):
    """The blocks of configuration in a page."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    return [yaml.safe_load(block) for block in blocks]


@pytest.mark.parametrize("name", ["README.md", "docs/own-data.md", "docs/classifiers.md"])
def test_the_example_configurations_are_valid(name):
    """Each by itself, since each is a file of its own."""
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for block in examples(name):
        config = configuration.deep_merge(shipped, block)
        configuration.check(config)
        for dataset, experiment in block["experiments"].items():
            settings = configuration.settings_for(config, dataset)["experiment"]
            own = {stage: value for stage, value in experiment.items() if stage != "override"}
            assert {stage: settings[stage] for stage in own} == own


PHOTOGRAPHS = {
    "README.md": "vit",
    "docs/classifiers.md": "vit own",
    "docs/own-data.md": "own",
    "docs/measured/imagenet-samples/mobilenet-v2.yaml": "mobilenet-v2",
}


def of_photographs(block):
    """The classifiers that an example needs for photographs: each is a file that is fetched."""
    config = configuration.deep_merge(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")), block)
    for dataset in block["experiments"]:
        settings = configuration.settings_for(config, dataset)
        if settings["datasets"][dataset]["source"] == "images":
            yield from named_classifiers(settings)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_an_example_fetches_no_other_classifier_of_photographs_than_it_names(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = [yaml.safe_load(text)] if name.endswith(".yaml") else examples(name)
    assert {needed for block in blocks for needed in of_photographs(block)} == set(PHOTOGRAPHS[name].split())


def test_an_example_that_leaves_a_stage_to_the_shipped_configuration_is_noticed():
    *_, block = examples("README.md")
    del block["experiments"]["imagenet-samples"]["certification"]
    assert "resnet50" in set(of_photographs(block))


def test_an_example_with_a_typo_is_refused():
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    block, *_ = examples("docs/own-data.md")
    block["experiments"]["mine"]["smothing"] = block["experiments"]["mine"].pop("smoothing")
    with pytest.raises(SpuriousError, match="smothing"):
        configuration.check(configuration.deep_merge(shipped, block))


def test_the_measured_accuracy_is_what_the_code_gives(one_thread):
    """By the shipped configuration, but for two images: other machines differ in the last digits."""
    config = configuration.settings_for(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")), "digits")
    source, recipe = config["datasets"]["digits"], TrainingRecipe(**config["recipes"]["softmax"])
    data = digits(source["size"], source["validation"], source["test"], source["seed"])
    training_set = TrainingSet(images=data.pixels("train"), targets=one_hot(data.labels["train"], data.classes))
    trainer = Trainer(SoftmaxRegression(data.image_shape, data.classes), training_set, recipe, seed=0)
    list(trainer.run(rows=1))
    measured = pd.read_csv(MEASURED / "digits/classifiers.csv").query("classifier == 'softmax' and seed == '0'").iloc[0]
    found = {
        split: accuracy(predict(trainer.model, data.pixels(split)), data.labels[split])
        for split in ("validation", "test")
    }
    assert measured["low"] <= found["test"] <= measured["high"]
    assert found["test"] == pytest.approx(measured["accuracy"], abs=0.006)
    assert found["validation"] == pytest.approx(measured["validation_accuracy"], abs=0.011)
