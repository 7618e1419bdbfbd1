"""The jobs of an attack: which classifiers, of which seeds, in how many parts; from the settings of a dataset."""

from collections.abc import Mapping
from typing import Any

from spurious.attacks.on_decisions import Transfer
from spurious.experiments.catalogue import Settings, of_classifier


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
    """The jobs that share the images of an attack, no more than there are to be."""
    own = settings["robustness"]
    return range(min(own["shards"], own["images"]))
