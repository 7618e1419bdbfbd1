"""What is shown of the linear classifiers."""

from typing import Any

from pydantic import Field

from spurious.experiments.catalogue import NAMES, Figure, Findings, Settings, Table, number_of_classes
from spurious.experiments.linear.settings import LinearSettings, targets_of
from spurious.experiments.rooms import Room

HERE = "spurious.experiments.linear"
TEMPLATES = {"weights": "train_linear.weights", "splits": "linear_data", **NAMES}


def targets(settings: Settings) -> Any:
    """The classes that the figures of a dataset fool towards."""
    return targets_of(settings["linear"]["targets"], number_of_classes(settings))


TARGETS = {"targets": targets}

ROOM = Room(
    title="Linear classifiers",
    after="smoothing",
    settings=LinearSettings,
    threads="linear",
    runs=(
        bool,
        Field(False, description="whether the linear classifiers are trained and broken, true or false"),
    ),
    measured=("make_store", "train_linear"),
    reserved=("linear", "store"),
)

RESULTS = [
    Table(
        "linear",
        f"{HERE}.regularization:linear",
        {name: f"train_linear.{name}" for name in ("predictions", "steps", "weights", "history")},
        label="weight decays",
    ),
    Table(
        "linear-tests",
        f"{HERE}.comparison:tests",
        {name: f"train_linear.{name}" for name in ("predictions", "steps")},
        label="tests of the differences",
    ),
    Table(
        "linear-confident",
        f"{HERE}.confident:confident",
        {"steps": "train_linear.steps"},
        label="changes that make wrong classes sure",
    ),
    Table(
        "linear-pair",
        f"{HERE}.pair_table:pair",
        {"rows": "train_linear.pair"},
        when=lambda settings: settings["linear"]["pair"] is not None,
        label="two classes alone",
    ),
    Table("linear-toy", f"{HERE}.toy:toy", label="the worked example"),
    Table("linear-start", f"{HERE}.start:start", {"splits": "linear_data"}, label="first losses"),
    Figure("linear", f"{HERE}.figure:linear", {"table": "table.linear"}, label="accuracy against resistance"),
    Figure(
        "linear-steps",
        f"{HERE}.steps_figure:figure",
        {"steps": "train_linear.steps", "splits": "linear_data"},
        label="share of images within a step",
    ),
    Figure(
        "templates",
        f"{HERE}.sweep_figures:templates",
        TEMPLATES,
        TARGETS,
        first=("seed",),
        label="templates of the classes",
    ),
    Figure(
        "template-images",
        f"{HERE}.sweep_figures:template_images",
        TEMPLATES,
        TARGETS,
        first=("seed",),
        label="an image plus templates",
    ),
    Figure(
        "template-noise",
        f"{HERE}.sweep_figures:template_noise",
        TEMPLATES,
        TARGETS,
        first=("seed",),
        label="noise plus templates",
    ),
]
FINDINGS = [
    Findings(
        "Linear classifiers",
        f"{HERE}.findings:linear",
        {"table": "linear", "tests": "linear-tests"},
        question="Why is even a linear classifier fooled, and what does regularization do about it?",
        figure="linear",
    )
]
