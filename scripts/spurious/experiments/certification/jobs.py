"""The jobs of a certification: which classifiers, in how many portions; from the settings of a dataset."""

from spurious.experiments.catalogue import Settings, of_classifier


def portions(settings: Settings) -> list[dict[str, object]]:
    """The jobs that share the images of each classifier."""
    return [
        {"classifier": name, "portion": portion}
        for name in settings["experiment"]["certification"]
        for portion in range(of_classifier(settings["certification"], name)["shards"])
    ]
