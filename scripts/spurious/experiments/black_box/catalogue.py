"""What is shown of fooling classifiers by their scores alone."""

from spurious.experiments.black_box.settings import BlackBoxSettings
from spurious.experiments.catalogue import NAMES, Figure, Findings, Table
from spurious.experiments.rooms import Room, names_of

HERE = "spurious.experiments.black_box"
ROWS = {"rows": "search_scores.rows"}

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
    Table("black_box", f"{HERE}.table:black_box", {**ROWS, "predictions": "model_predictions"}),
    Figure("black_box", f"{HERE}.figure:black_box", ROWS),
    Figure(
        "black_box-images",
        f"{HERE}.images_figure:figure",
        {**ROWS, "images": "search_scores.images", **NAMES},
    ),
]
FINDINGS = [Findings("Fooling by scores alone", f"{HERE}.findings:black_box", {"table": "black_box"})]
