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
    ),
    Table(
        "linear-tests",
        f"{HERE}.comparison:tests",
        {name: f"train_linear.{name}" for name in ("predictions", "steps")},
    ),
    Table("linear-confident", f"{HERE}.confident:confident", {"steps": "train_linear.steps"}),
    Table(
        "linear-pair",
        f"{HERE}.pair_table:pair",
        {"rows": "train_linear.pair"},
        when=lambda settings: settings["linear"]["pair"] is not None,
    ),
    Table("linear-toy", f"{HERE}.toy:toy"),
    Table("linear-start", f"{HERE}.start:start", {"splits": "linear_data"}),
    Figure("linear", f"{HERE}.figure:linear", {"table": "table.linear"}),
    Figure("linear-steps", f"{HERE}.steps_figure:figure", {"steps": "train_linear.steps", "splits": "linear_data"}),
    Figure("templates", f"{HERE}.sweep_figures:templates", TEMPLATES, TARGETS, first=("seed",)),
    Figure("template-images", f"{HERE}.sweep_figures:template_images", TEMPLATES, TARGETS, first=("seed",)),
    Figure("template-noise", f"{HERE}.sweep_figures:template_noise", TEMPLATES, TARGETS, first=("seed",)),
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
