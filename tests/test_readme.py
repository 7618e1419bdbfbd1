"""Our documents show what was measured, and what they name is there."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

import update_readme
from spurious import configuration

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = ROOT / "docs" / "measured"
RESULTS = ROOT / "results"


@pytest.mark.parametrize("document", update_readme.DOCUMENTS)
def test_every_table_is_that_of_its_file(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert list(update_readme.MARKER.finditer(text))
    assert update_readme.filled(text, ROOT) == text


def test_a_changed_number_is_noticed():
    row = next(line for line in README.splitlines() if line.startswith("| cnn-published") and "unclamped" not in line)
    changed = README.replace(row, row.replace("0.9", "0.8", 1))
    assert changed != README
    assert update_readme.filled(changed, ROOT) != changed


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", README))))
def test_every_link_leads_somewhere(name):
    assert (ROOT / name).exists()


def test_the_example_configurations_are_valid():
    blocks = re.findall(r"\n((?:      (?:\w| ).*\n)+)", README)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for block in blocks:
        config = configuration.deep_merge(config, yaml.safe_load(block.replace('"..."', f'"{"0" * 64}"')))
    configuration.check(config, yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text()))
    assert configuration.experiment(config, "mine")["datasets"]["mine"]["classes"] == 5
    assert configuration.experiment(config, "imagenet-samples")["experiment"]["smoothing"] == ["vit", "own"]


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_the_results_of_this_checkout_agree(dataset):
    """Accuracies within the measured intervals and counts alike: other machines differ in the last digits."""
    tables = RESULTS / dataset / "tables"
    if not (tables / "backworking-summary.csv").exists():
        pytest.skip(f"no results of {dataset} here: run make {'demo' if dataset == 'digits' else 'paper'}")
    keys = ["classifier", "seed"]
    measured, here = (pd.read_csv(folder / "classifiers.csv") for folder in (MEASURED / dataset, tables))
    pairs = measured[measured["seed"] != "all"].astype({"seed": str}).merge(here.astype({"seed": str}), on=keys)
    assert len(pairs)
    assert pairs["accuracy_y"].between(pairs["low_x"], pairs["high_x"]).all()
    keys = ["classifier", "search"]
    measured, here = (pd.read_csv(folder / "backworking-summary.csv") for folder in (MEASURED / dataset, tables))
    pairs = measured.merge(here, on=keys)
    assert len(pairs) == len(measured)
    assert (pairs["share_x"] - pairs["share_y"]).abs().max() < 0.15
