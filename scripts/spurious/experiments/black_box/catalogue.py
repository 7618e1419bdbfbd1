"""What is shown of fooling classifiers by their scores alone."""

from spurious.experiments.catalogue import NAMES, Figure, Findings, Table

TITLE, HERE = "Fooling by scores alone", "spurious.experiments.black_box"
ROWS = {"rows": "search_scores.rows"}

RESULTS = [
    Table("black_box", f"{HERE}.table:black_box", {**ROWS, "predictions": "model_predictions"}),
    Figure("black_box", f"{HERE}.figure:black_box", ROWS),
    Figure(
        "black_box-images",
        f"{HERE}.images_figure:figure",
        {**ROWS, "images": "search_scores.images", **NAMES},
    ),
]
FINDINGS = [Findings("Fooling by scores alone", f"{HERE}.findings:black_box", {"table": "black_box"})]
