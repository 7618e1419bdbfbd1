"""What is shown of fooling classifiers along their gradient."""

from spurious.experiments.catalogue import NAMES, Figure, Findings, Table

TITLE, HERE = "Fooling by the gradient", "spurious.experiments.fooling"

RESULTS = [
    Table("fooling", f"{HERE}.success:fooling", {"rows": "fool_classifier.rows"}),
    Table("fooling-rubbish", f"{HERE}.rubbish:rubbish", {"rows": "fool_classifier.rubbish"}),
    Figure(
        "fooling-{classifier}",
        f"{HERE}.figure:figure",
        {"examples": "fool_classifier.examples", **NAMES},
        label="fooling-{classifier}",
    ),
]
FINDINGS = [Findings("Fooling by the gradient", f"{HERE}.findings:fooling", {"table": "fooling"})]
