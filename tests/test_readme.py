"""Our documents show what was measured, and what they name is there."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

import update_readme
from spurious import configuration
from spurious.classifiers.models import SoftmaxRegression
from spurious.classifiers.predictions import accuracy, predict
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, one_hot
from spurious.data.datasets import digits

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = ROOT / "docs" / "measured"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXTS = sorted([*DOCUMENTS, *ROOT.glob("workflow/report/*.rst"), *ROOT.glob("scripts/**/*.py")])


@pytest.mark.parametrize("document", update_readme.DOCUMENTS)
def test_every_table_is_that_of_its_file(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert list(update_readme.MARKER.finditer(text))
    assert update_readme.filled(text, ROOT) == text


def test_a_changed_number_is_noticed():
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| cnn-published") and "unclamped" not in line)
    changed = text.replace(row, row.replace("0.9", "0.8", 1))
    assert changed != text
    assert update_readme.filled(changed, ROOT) != changed


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    words = re.sub("```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = re.findall(r"\]\((?!http|#)([^)#]+)[^)]*\)", words)
    assert [name for name in names if not (path.parent / name).exists()] == []


def test_the_front_page_is_short():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_plain_words(path):
    """What is corrected is fixed."""
    assert not re.search(r"\b(un)?mend(s|ed|ing)?\b", path.read_text(encoding="utf-8"))


def test_the_example_configurations_are_valid():
    data = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    blocks = re.findall(r"\n((?:      (?:\w| ).*\n)+)", README) + re.findall(
        r"\n((?:    .*\n)*    datasets:\n(?:    .*\n)+)", data
    )
    assert len(blocks) == 3
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for block in blocks:
        config = configuration.deep_merge(config, yaml.safe_load(block.replace('"..."', f'"{"0" * 64}"')))
    configuration.check(config)
    assert configuration.settings_for(config, "mine")["datasets"]["mine"]["classes"] == 5
    assert configuration.settings_for(config, "imagenet-samples")["experiment"]["smoothing"] == ["vit", "own"]


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
