"""What is shown of retraining against negatives."""

from spurious.experiments.catalogue import Figure, Findings, Table
from spurious.experiments.retraining.arms import arms, judges
from spurious.experiments.retraining.settings import RetrainingSettings
from spurious.experiments.rooms import TRAINED, Room, names_of

HERE = "spurious.experiments.retraining"
ROWS = {name: f"retrain_classifier.{name}" for name in ("attacks", "old", "predictions", "negatives_rows")}
STRONG = {"strong": "retrain_classifier.strong"}
JUDGED = {"judged": "judge_images"}
FOUND = {"found_above": "backworking.found_above"}
DECIDED = FOUND | {"matters": "retraining.matters"}

ROOM = Room(
    title="Retraining",
    after="backworking",
    settings=RetrainingSettings,
    threads="retraining",
    runs=names_of("different names of the classifiers that are retrained ([] for none)"),
    kinds=TRAINED,
    one_class=True,
    wildcards={("classifier", "negatives", "target"): arms, "judge": judges},
    measured=("retrain_classifier",),
)

RESULTS = [
    Table("retraining", f"{HERE}.rounds:retraining", ROWS, FOUND, label="rounds of each seed"),
    Table(
        "retraining-summary",
        f"{HERE}.summary:retraining_summary",
        ROWS,
        DECIDED,
        label="rounds over the seeds, and verdicts",
    ),
    Table(
        "retraining-strong",
        f"{HERE}.persistence:retraining_strong",
        STRONG | {"attacks": ROWS["attacks"]},
        DECIDED,
        label="the attack that does not give up",
    ),
    Table(
        "retraining-judges",
        f"{HERE}.judges:retraining_judges",
        STRONG | JUDGED,
        FOUND,
        label="what found images are to other classifiers",
    ),
    Table(
        "retraining-noise",
        f"{HERE}.confidence:retraining_noise",
        {"rows": "retrain_classifier.noise"},
        label="confidence in noise",
    ),
    Figure(
        "retraining",
        f"{HERE}.figure:retraining",
        {"table": "table.retraining", "summary": "table.retraining-summary"},
        label="accuracy and found images over the rounds",
    ),
    Figure(
        "retraining-strong",
        f"{HERE}.strong_figure:figure",
        {"strong": "table.retraining-strong", "noise": "table.retraining-noise"},
        label="what each attack finds in the end",
    ),
    Figure(
        "retraining-images-{classifier}",
        f"{HERE}.images_figure:figure",
        {"images": "retrain_classifier.strong_images", "rows": STRONG["strong"]},
        FOUND,
        first=("seed",),
        label="strongest images of each arm",
    ),
]
FINDINGS = [
    Findings(
        "Retraining, after the last round",
        f"{HERE}.findings:retraining",
        {"table": "retraining-summary"},
        question="Does training on the found images make them harder to find, or the classifier more accurate?",
        figure="retraining",
    ),
    Findings(
        "Retraining, under an attack that does not give up",
        f"{HERE}.findings:persistence",
        {"table": "retraining-strong", "judges": "retraining-judges"},
        question="Are they gone, or only harder to find?",
        figure="retraining-strong",
    ),
]
