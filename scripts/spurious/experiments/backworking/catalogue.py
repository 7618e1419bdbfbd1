"""What is shown of the searches for strongly classified images."""

from spurious.experiments.backworking.settings import BackworkingSettings
from spurious.experiments.catalogue import NAMES, Figure, Findings, Table
from spurious.experiments.rooms import TRAINED, Room, names_of

HERE = "spurious.experiments.backworking"
ROWS = {"rows": "backwork_label.rows"}
FOUND = {"found_above": "backworking.found_above"}
FIRST_SEED = {"seed": "experiment.seeds.0"}

ROOM = Room(
    title="Backworking",
    after="classifiers",
    settings=BackworkingSettings,
    threads="backworking",
    runs=names_of("different names of the classifiers that are searched for spurious inputs ([] for none)"),
    kinds=TRAINED,
    one_class=True,
    wildcards={"search": "backworking.searches"},
    measured=("backwork_label", "ablate_search"),
)

RESULTS = [
    Table("backworking", f"{HERE}.searches:backworking", ROWS, FOUND, label="searches by label and seed"),
    Table(
        "backworking-summary",
        f"{HERE}.searches:backworking_summary",
        ROWS,
        FOUND,
        label="searches over all labels and seeds",
    ),
    Table(
        "backworking-ablation",
        f"{HERE}.ablation:ablation",
        {"rows": "ablate_search"},
        FOUND,
        when=lambda settings: bool(settings["backworking"]["ablation"]["settings"]),
        label="the published search with one key changed",
    ),
    Table(
        "backworking-nearest",
        f"{HERE}.nearest:nearest",
        {"images": "backwork_label.images", **ROWS, "data": "prepare_dataset"},
        FOUND,
        label="distance of found images to training images",
    ),
    Figure(
        "counts-{classifier}",
        f"{HERE}.counts_figure:figure",
        {"table": "table.backworking", "summary": "table.backworking-summary", **NAMES},
        FOUND,
        label="found images by search and label",
    ),
    Figure(
        "searches-{classifier}",
        f"{HERE}.sheet:figure",
        {"images": "backwork_label.images", **ROWS, **NAMES},
        FOUND | FIRST_SEED,
        label="strongest image of each search",
    ),
    Figure(
        "found-{classifier}-{search}",
        f"{HERE}.found:figure",
        {"images": "backwork_label.images", **ROWS, **NAMES},
        FOUND | FIRST_SEED,
        label="images of the search {search}",
    ),
    Figure(
        "overview-{classifier}-{search}",
        f"{HERE}.overview:figure",
        {
            "images": "backwork_label.images",
            **ROWS,
            "data": "prepare_dataset",
            "predictions": "train_classifier.predictions",
            **NAMES,
        },
        FOUND | FIRST_SEED,
        first=("search", "seed"),
        label="found and real images",
    ),
    Figure(
        "trace-{classifier}",
        f"{HERE}.trace:figure",
        {"traces": "backwork_label.trace"},
        FOUND,
        label="p over steps",
    ),
]
FINDINGS = [
    Findings(
        "Backworking",
        f"{HERE}.findings:backworking",
        {"table": "backworking-summary"},
        FOUND,
        question="Which noise does a classifier give to a label with near certainty?",
        figure="overview-{classifier}-{search}",
    )
]
