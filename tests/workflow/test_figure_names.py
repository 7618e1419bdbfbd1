"""The name of a figure tells which classifier and which search it is of, whatever they are called."""

import json
import re
import shutil

import pytest

from projects import DATASET, change_config, run_snakemake

OTHER = "digits"
CNN = {"architecture": "cnn", "recipe": "fast"}
# (dataset, figure): the classifier and the search that it must be of
FIGURES = {
    (DATASET, "found-cnn-log-p"): ("cnn", "log-p"),
    (DATASET, "found-cnn-p"): ("cnn", "p"),
    (DATASET, "found-cnn-slow-log-p"): ("cnn", "slow-log-p"),  # of the override; elsewhere "cnn-slow" is a classifier
    (DATASET, "overview-cnn-slow-log-p"): ("cnn", "slow-log-p"),
    (DATASET, "found-found-cnn-p"): ("found-cnn", "p"),
    (OTHER, "found-cnn-slow-log-p"): ("cnn-slow", "log-p"),
    (OTHER, "found-cnn-log-p"): ("cnn", "log-p"),
}


@pytest.fixture(scope="module")
def planned(checkout, tmp_path_factory):
    """{figure: (classifier, search)} of a plan."""
    folder = shutil.copytree(checkout, tmp_path_factory.mktemp("names") / "project")
    own = {"backworking": {"searches": {"slow-log-p": {"objective": "log_p"}}}, "classifiers": {"found-cnn": CNN}}
    changes = {
        "backworking": {"searches": {"p": {"objective": "log_p"}}},
        "experiments": {DATASET: {"override": own}, OTHER: {"override": {"classifiers": {"cnn-slow": CNN}}}},
    }
    change_config(folder, changes)
    paths = [f"results/{dataset}/figures/{name}.png" for dataset, name in FIGURES]
    printed = run_snakemake(folder, *paths, "--dry-run", "--printshellcmds").stdout
    pattern = r"make_result\.py .* --input images results/[^/]+/([^/]+)/backworking/.* --settings '(.*)' .* (\S+\.png)"
    found = [(path, classifier, json.loads(settings)) for classifier, settings, path in re.findall(pattern, printed)]
    assert all(settings["classifier"] == classifier for _, classifier, settings in found)
    return {path: (classifier, settings["search"]) for path, classifier, settings in found}


@pytest.mark.parametrize(("figure", "pair"), FIGURES.items(), ids=map("/".join, FIGURES))
def test_a_figure_is_of_the_classifier_and_search_of_its_name(planned, figure, pair):
    dataset, name = figure
    assert planned[f"results/{dataset}/figures/{name}.png"] == pair
