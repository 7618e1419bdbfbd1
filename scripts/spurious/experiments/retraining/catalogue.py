"""What is shown of retraining against negatives."""

from spurious.experiments.catalogue import Figure, Findings, Table
from spurious.experiments.retraining.arms import arms
from spurious.experiments.retraining.settings import RetrainingSettings
from spurious.experiments.rooms import TRAINED, Room, names_of

HERE = "spurious.experiments.retraining"
ROWS = {name: f"retrain_classifier.{name}" for name in ("attacks", "old", "predictions", "negatives_rows")}
FOUND = {"found_above": "backworking.found_above"}

ROOM = Room(
    title="Retraining",
    after="backworking",
    settings=RetrainingSettings,
    threads="retraining",
    runs=names_of("different names of the classifiers that are retrained ([] for none)"),
    kinds=TRAINED,
    wildcards={("classifier", "negatives", "target"): arms},
    measured=("retrain_classifier",),
)

RESULTS = [
    Table("retraining", f"{HERE}.rounds:retraining", ROWS, FOUND),
    Table("retraining-summary", f"{HERE}.summary:retraining_summary", ROWS, FOUND | {"matters": "retraining.matters"}),
    Figure("retraining", f"{HERE}.figure:retraining", {"table": "table.retraining"}),
]
FINDINGS = [
    Findings(
        "Retraining, after the last round",
        f"{HERE}.findings:retraining",
        {"table": "retraining-summary"},
        question="Does training on the found images make them harder to find, or the classifier more accurate?",
        figure="retraining",
    )
]
