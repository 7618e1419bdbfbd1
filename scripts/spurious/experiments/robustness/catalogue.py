"""What is shown of attacks on defences."""

from spurious.experiments.catalogue import Figure, Findings, Settings, Table
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.experiments.rooms import TRAINED, Room, names_of

HERE = "spurious.experiments.robustness"


def attacked_seeds(settings: Settings) -> list[int]:
    """The seeds of the trainings that are attacked: the first ones."""
    return settings["experiment"]["seeds"][: settings["robustness"]["seeds"]]


def parts(settings: Settings) -> range:
    """The jobs that share the images of an attack."""
    return range(settings["robustness"]["shards"])


ROOM = Room(
    title="Robustness",
    after="transfer",
    settings=RobustnessSettings,
    threads="robustness",
    runs=names_of("different names of the classifiers whose defences are attacked ([] for none)"),
    kinds=TRAINED,
    wildcards={"attacked": attacked_seeds, "part": parts},
    measured=("attack_defence",),
)

RESULTS = [
    Table("robustness", f"{HERE}.table:robustness", {"rows": "attack_defence.rows"}),
    Table("robustness-gain", f"{HERE}.table:gains", {"rows": "attack_defence.rows"}),
    Table("robustness-checks", f"{HERE}.checks:checks", {"rows": "attack_defence.rows"}),
    Figure("robustness", f"{HERE}.figure:figure", {"table": "table.robustness"}),
]
FINDINGS = [Findings("Robustness", f"{HERE}.findings:robustness", {"table": "robustness"})]
