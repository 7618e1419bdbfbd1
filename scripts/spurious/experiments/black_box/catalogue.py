"""What is shown of fooling classifiers by their scores alone."""

from collections.abc import Mapping
from typing import Any

from spurious.classifiers.entries import ClassifierEntry, ScikitLearn
from spurious.experiments.black_box.settings import BlackBoxSettings
from spurious.experiments.catalogue import NAMES, Figure, Findings, Table
from spurious.experiments.rooms import Room, names_of
from spurious.registry import parse

HERE = "spurious.experiments.black_box"
ROWS = {"rows": "search_scores.rows"}


def described(settings: Mapping[str, Any]) -> dict[str, str]:
    """What is to be known of the classifiers of scikit-learn, by name."""
    entries = settings["classifiers"]
    parsed = {name: parse(ClassifierEntry, entries[name], name) for name in settings["experiment"]["black_box"]}
    return {name: entry.described for name, entry in parsed.items() if isinstance(entry, ScikitLearn)}


ROOM = Room(
    title="Fooling by scores alone",
    after="fooling",
    settings=BlackBoxSettings,
    threads="black_box",
    runs=names_of("different names of the classifiers that are fooled by their scores ([] for none)"),
    kinds=("architecture", "scikit_learn"),
    measured=("fit_classifier", "search_scores"),
)

RESULTS = [
    Table(
        "black_box",
        f"{HERE}.table:black_box",
        {**ROWS, "predictions": "model_predictions"},
        {"described": described},
        label="success and queries",
    ),
    Table(
        "map-elites",
        f"{HERE}.elites:elites",
        {"rows": "search_scores.elites"},
        when=lambda settings: settings["black_box"]["map_elites"] is not None,
        label="evolution towards all classes at once",
    ),
    Figure(
        "black_box",
        f"{HERE}.figure:black_box",
        ROWS,
        {"found_above": "black_box.found_above"},
        label="success over the queries",
    ),
    Figure(
        "black_box-images",
        f"{HERE}.images_figure:figure",
        {**ROWS, "images": "search_scores.images", **NAMES},
        label="examples before and after",
    ),
]
FINDINGS = [
    Findings(
        "Fooling by scores alone",
        f"{HERE}.findings:black_box",
        {"table": "black_box"},
        question="Is a classifier safe that has no gradient, or hides it?",
        figure="black_box",
    )
]
