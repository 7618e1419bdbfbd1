"""What is shown of retraining against negatives."""

from spurious.experiments.catalogue import Figure, Findings, Table

TITLE, HERE = "Retraining", "spurious.experiments.retraining"
ROWS = {name: f"retrain_classifier.{name}" for name in ("attacks", "old", "predictions")}
FOUND = {"found_above": "backworking.found_above"}

RESULTS = [
    Table("retraining", f"{HERE}.rounds:retraining", ROWS, FOUND),
    Table("retraining-summary", f"{HERE}.summary:retraining_summary", ROWS, FOUND),
    Figure("retraining", f"{HERE}.figure:retraining", {"table": "table.retraining"}),
]
FINDINGS = [
    Findings("Retraining, after the last round", f"{HERE}.findings:retraining", {"table": "retraining-summary"})
]
