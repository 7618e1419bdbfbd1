"""What is shown of attacks on defences."""

from spurious.experiments.catalogue import NAMES, Figure, Findings, Table
from spurious.experiments.robustness.jobs import attacked, parts
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.experiments.rooms import WITH_GRADIENT, Room, names_of

HERE = "spurious.experiments.robustness"


ROOM = Room(
    title="Robustness",
    after="transfer",
    settings=RobustnessSettings,
    threads="robustness",
    runs=names_of("different names of the classifiers whose defences are attacked ([] for none)"),
    kinds=WITH_GRADIENT,
    one_class=True,
    photographs=True,
    wildcards={("classifier", "attacked"): attacked, "part": parts},
    measured=("attack_defence",),
)

RESULTS = [
    Table("robustness", f"{HERE}.table:robustness", {"rows": "attack_defence.rows"}, label="errors under attack"),
    Table("robustness-gain", f"{HERE}.table:gains", {"rows": "attack_defence.rows"}, label="gain of the defences"),
    Table("robustness-checks", f"{HERE}.checks:checks", {"rows": "attack_defence.rows"}, label="checks of the attacks"),
    Figure("robustness", f"{HERE}.figure:figure", {"table": "table.robustness"}, label="robust accuracy over the size"),
    Figure(
        "robustness-images-{classifier}",
        f"{HERE}.images:figure",
        {"examples": "attack_defence.found", **NAMES},
        first=("part",),
        label="examples behind the defence, {classifier}",
    ),
]
FINDINGS = [
    Findings(
        "Robustness",
        f"{HERE}.findings:robustness",
        {"table": "robustness"},
        question="What is left of a defence when somebody attacks it as a whole?",
        figure="robustness",
    )
]
