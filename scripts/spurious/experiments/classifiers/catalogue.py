"""What is shown of the classifiers that are trained."""

from spurious.experiments.catalogue import CLASSES, NAMES, Figure, Findings, Table
from spurious.experiments.rooms import TRAINED, Room, names_of

HERE = "spurious.experiments.classifiers"
PREDICTIONS = {"predictions": "train_classifier.predictions"}

ROOM = Room(
    title="Classifiers",
    after="data",
    threads="training",
    runs=names_of("different names of the classifiers that are trained and compared ([] for none)"),
    kinds=TRAINED,
    measured=("train_classifier", "train_denoiser"),
)

RESULTS = [
    Table("classifiers", f"{HERE}.accuracies:classifiers", PREDICTIONS, label="accuracy of the classifiers"),
    Table(
        "training",
        f"{HERE}.training:training",
        {"histories": "train_classifier.history", **PREDICTIONS},
        label="course of the trainings",
    ),
    Figure(
        "worst-{classifier}",
        f"{HERE}.worst:figure",
        {"data": "prepare_dataset", **PREDICTIONS, **NAMES},
        first=("seed",),
        label="worst training images",
    ),
    Figure(
        "salient-{classifier}",
        f"{HERE}.salient:figure",
        {"data": "prepare_dataset", "model": "train_classifier.weights", **PREDICTIONS, **NAMES},
        first=("seed",),
        label="salient pixels",
    ),
]
FINDINGS = [
    Findings(
        "Classifiers",
        f"{HERE}.findings:classifiers",
        {"table": "classifiers", "trainings": "training"},
        CLASSES,
        question="How well do the classifiers do before anybody fools them?",
        figure="worst-{classifier}",
    )
]
