"""What is retrained: the settings of every classifier and its arms, from the settings that hold for a dataset."""

from collections.abc import Mapping
from typing import Any


def settings_of(settings: Mapping[str, Any], classifier: str) -> dict[str, Any]:
    """The section `retraining` as it holds for a classifier: its own entry put in place."""
    shared = {key: value for key, value in settings["retraining"].items() if key != "classifiers"}
    own = settings["retraining"].get("classifiers", {}).get(classifier, {})
    return {**shared, **{key: value for key, value in own.items() if value is not None}}


def arms(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """`classifier, negatives, target` of every arm of every classifier that is retrained."""
    return [
        {"classifier": classifier, **arm}
        for classifier in settings["experiment"]["retraining"]
        for arm in settings_of(settings, classifier)["arms"]
    ]
