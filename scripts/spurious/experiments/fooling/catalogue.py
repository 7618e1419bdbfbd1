"""What is shown of fooling classifiers along their gradient."""

from spurious.experiments.catalogue import NAMES, Figure, Findings, Table
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.experiments.rooms import WITH_GRADIENT, Room, names_of

HERE = "spurious.experiments.fooling"

ROOM = Room(
    title="Fooling by the gradient",
    after="linear",
    settings=FoolingSettings,
    threads="fooling",
    runs=names_of("different names of the classifiers that are fooled by their gradient ([] for none)"),
    kinds=WITH_GRADIENT,
    photographs=True,
    measured=("fool_classifier",),
)

RESULTS = [
    Table(
        "fooling", f"{HERE}.success:fooling", {"rows": "fool_classifier.rows"}, label="success of the gradient methods"
    ),
    Table(
        "fooling-rubbish", f"{HERE}.rubbish:rubbish", {"rows": "fool_classifier.rubbish"}, label="confidence in rubbish"
    ),
    # Not "fooling-...": a classifier may have that name.
    Figure(
        "gradient-success",
        f"{HERE}.success_figure:figure",
        {"table": "table.fooling"},
        label="success beside random changes",
    ),
    Figure(
        "fooling-{classifier}",
        f"{HERE}.figure:figure",
        {"examples": "fool_classifier.examples", **NAMES},
        label="examples, {classifier}",
    ),
]
FINDINGS = [
    Findings(
        "Fooling by the gradient",
        f"{HERE}.findings:fooling",
        {"table": "fooling"},
        question="How small a change along the gradient makes another class of an image?",
        figure="fooling-{classifier}",
    )
]
