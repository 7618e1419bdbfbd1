"""The jobs of an attack: which classifiers, of which seeds, in how many parts; from the settings of a dataset."""

from typing import Any

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


def parts(settings: Settings) -> range:
    """The jobs that share the images of an attack."""
    return range(settings["robustness"]["shards"])
