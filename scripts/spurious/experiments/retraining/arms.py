"""What is retrained, and who judges: classifiers, arms and judges, from the settings that hold for a dataset."""

from collections.abc import Mapping
from typing import Any

from spurious.experiments.catalogue import of_classifier


def settings_of(settings: Mapping[str, Any], classifier: str) -> dict[str, Any]:
    """The section `retraining` as it holds for a classifier: its own entry put in place."""
    return of_classifier(settings["retraining"], classifier)


def arms(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """`classifier, negatives, target` of every arm of every classifier that is retrained."""
    return [
        {"classifier": classifier, **arm}
        for classifier in settings["experiment"]["retraining"]
        for arm in settings_of(settings, classifier)["arms"]
    ]


def judges(settings: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """(classifier, seed) of every judge of found images by the name of its file, the first one first."""
    first = settings["experiment"]["seeds"][0]
    each = [(judge["classifier"], judge.get("seed")) for judge in settings["retraining"]["judges"]]
    seeds = [(name, first if seed is None else seed) for name, seed in each]
    return {f"{name}-seed{seed}": (name, seed) for name, seed in seeds}
