"""What is shown of the noise sweep and of the vote."""

from spurious.experiments.catalogue import CLASSES, NAMES, Figure, Findings, Table, of_photographs
from spurious.experiments.rooms import WITH_GRADIENT, Room, names_of
from spurious.experiments.smoothing.settings import SmoothingSettings

HERE = "spurious.experiments.smoothing"
VOTES = {"votes": "gather_smoothing.votes"}

ROOM = Room(
    title="Smoothing",
    after="retraining",
    settings=SmoothingSettings,
    threads="smoothing",
    runs=names_of("different names of the classifiers that face noise and blur ([] for none)"),
    kinds=WITH_GRADIENT,
    photographs=True,
    measured=("smooth_shard",),
)

RESULTS = [
    Table("smoothing", f"{HERE}.rates:gathered", {"rows": "gather_smoothing.summary"}, label="accuracy under noise"),
    Table(
        "smoothing-seeds",
        f"{HERE}.seeds:seeds",
        VOTES,
        when=lambda settings: len(settings["smoothing"]["seeds"]) > 1,
        label="spread of the noise draws",
    ),
    Table(
        "smoothing-variants",
        f"{HERE}.variants:variants",
        VOTES,
        when=lambda settings: len(settings["smoothing"]["variants"]) > 1,
        label="order of noise and resizing",
    ),
    Table(
        "smoothing-clean", f"{HERE}.clean:clean", VOTES, CLASSES, when=of_photographs, label="accuracy without noise"
    ),
    Table("smoothing-tests", f"{HERE}.comparisons:tests", VOTES, label="tests of the differences"),
    Table("smoothing-agreement", f"{HERE}.agreement:agreement", VOTES, label="images by agreeing views"),
    Table("smoothing-pairs", f"{HERE}.pairs:pairs", VOTES, label="agreement of two views"),
    Table("smoothing-risk", f"{HERE}.risk:risk", VOTES, label="what rejecting is worth"),
    Figure(
        "smoothing",
        f"{HERE}.rates_figure:figure",
        {"table": "table.smoothing", "published": "resource.published.csv"},
        label="accuracy and rejections over the noise",
    ),
    Figure(
        "smoothing-gain",
        f"{HERE}.gain_figure:figure",
        {"table": "table.smoothing-tests"},
        label="gain of blurring and voting",
    ),
    Figure("risk-{classifier}", f"{HERE}.risk_figure:figure", VOTES, label="risk and coverage"),
    Figure(
        "gallery-{classifier}",
        f"{HERE}.gallery:figure",
        {**VOTES, "photographs": ("fetch_images", "prepare_images"), **NAMES},
        {"variant": "smoothing.variants.published"},
        label="corrected and rejected images",
        when=of_photographs,
    ),
]
FINDINGS = [
    Findings(
        "Smoothing",
        f"{HERE}.findings:smoothing",
        {"table": "smoothing", "tests": "smoothing-tests", "clean": "smoothing-clean"},
        CLASSES,
        question="Does blurring an image once and twice, and taking the majority or rejecting, help under noise?",
        figure="smoothing",
    ),
]
