"""What is shown of attacks on defences."""

from collections.abc import Mapping
from typing import Any

from spurious.attacks.on_decisions import Transfer
from spurious.experiments.catalogue import NAMES, Figure, Findings, Settings, Table, of_classifier
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.experiments.rooms import WITH_GRADIENT, Room, names_of

HERE = "spurious.experiments.robustness"


def attacked(settings: Settings) -> list[dict[str, Any]]:
    """Each classifier with the seeds of its trainings that are attacked, the first ones; 0 where it comes as a file."""
    own, found = settings["robustness"], []
    for name in settings["experiment"]["robustness"]:
        count = of_classifier(own, name)["seeds"]
        trained = "architecture" in settings["classifiers"][name]
        seeds = settings["experiment"]["seeds"][:count] if trained else [0]
        found += [{"classifier": name, "attacked": seed} for seed in seeds]
    return found


def sources(settings: Settings, classifier: str, seed: int) -> dict[str, tuple[str, int]]:
    """For each attack of the kind transfer, by its name, the classifier and seed whose gradient it follows.

    `settings` are those that hold for the dataset, `classifier` and `seed` what is attacked.
    """
    attacks = {
        name: own if isinstance(own, Mapping) else {"kind": own}
        for name, own in settings["robustness"]["attacks"].items()
    }
    transfers = {name: own for name, own in attacks.items() if own["kind"] == Transfer.kind}
    return {name: source_of(own, settings, classifier, seed) for name, own in transfers.items()}


def source_of(attack: Mapping[str, Any], settings: Settings, classifier: str, seed: int) -> tuple[str, int]:
    """The one that an attack names; the next seed where it names none, 0 where the classifier comes as a file."""
    name, seeds = attack.get("classifier") or classifier, list(settings["experiment"]["seeds"])
    if "architecture" not in settings["classifiers"][name]:
        return name, 0
    after = seeds[(seeds.index(seed) + 1) % len(seeds)] if seed in seeds else seeds[0]
    return name, after if attack.get("seed") is None else attack["seed"]


def parts(settings: Settings) -> range:
    """The jobs that share the images of an attack."""
    return range(settings["robustness"]["shards"])


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
    Table("robustness", f"{HERE}.table:robustness", {"rows": "attack_defence.rows"}),
    Table("robustness-gain", f"{HERE}.table:gains", {"rows": "attack_defence.rows"}),
    Table("robustness-checks", f"{HERE}.checks:checks", {"rows": "attack_defence.rows"}),
    Figure("robustness", f"{HERE}.figure:figure", {"table": "table.robustness"}),
    Figure(
        "robustness-images-{classifier}",
        f"{HERE}.images:figure",
        {"examples": "attack_defence.found", **NAMES},
        first=("part",),
        label="robustness-images-{classifier}",
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
