"""What is shown of the write-ups' numbers, whatever the dataset."""

from typing import Any

from spurious.experiments.catalogue import Figure, Settings, Table, always, named_classifiers
from spurious.experiments.rooms import Room

ROOM = Room(title="Claims and published numbers", present=always)

FINDINGS = []


def published_as(settings: Settings) -> dict[str, Any]:
    """The name in a write-up of every classifier that it has numbers of."""
    entries = settings["classifiers"]
    names = dict.fromkeys(name for stage in ("smoothing", "fooling") for name in settings["experiment"][stage])
    return {name: entries[name]["published_as"] for name in names if "published_as" in entries[name]}


def network(settings: Settings) -> str:
    """The first network among the classifiers that are fooled by their scores, "" where there is none."""
    names = settings["experiment"]["black_box"]
    return next((name for name in names if "architecture" in settings["classifiers"][name]), "")


def scikit_learn(settings: Settings) -> dict[str, str]:
    """The kind, such as forest, of every classifier of scikit-learn that the experiments of a dataset name."""
    entries = {name: settings["classifiers"][name] for name in named_classifiers(settings)}
    return {name: entry["scikit_learn"] for name, entry in entries.items() if "scikit_learn" in entry}


def attacked(settings: Settings) -> bool:
    """Whether some experiment of the dataset attacks classifiers."""
    return any(settings["experiment"][stage] for stage in ("fooling", "black_box", "backworking", "robustness"))


RESULTS = [
    Table(
        "published",
        "spurious.writeups.published:table",
        {
            "published": "resource.published.csv",
            "smoothing": "smoothing/gather_smoothing.summary",
            "toy": "table.linear-toy",
            "start": "table.linear-start",
            "linear": "table.linear",
            "linear_tests": "table.linear-tests",
            "pair": "table.linear-pair",
            "fooling": "fooling/fool_classifier.rows",
            "rubbish": "fooling/fool_classifier.rubbish",
            "elites": "table.map-elites",
        },
        {"published_as": published_as, "decays": "linear.published_as", "network": network},
        label="published numbers beside this run's",
    ),
    Table(
        "claims",
        "spurious.writeups.claims:table",
        {"claims": "resource.claims.csv", "tables": "claimed"},
        {"classifiers": named_classifiers, "scikit_learn": scikit_learn},
        label="claims and verdicts",
    ),
    Figure(
        "attacks",
        "spurious.writeups.attacks_figure:figure",
        {
            "fooling": "table.fooling",
            "black_box": "table.black_box",
            "backworking": "table.backworking-summary",
            "robustness": "table.robustness",
        },
        when=attacked,
        label="what every attack fools",
    ),
]
