"""What is shown of the write-ups' numbers, whatever the dataset."""

from typing import Any

from spurious.experiments.catalogue import Settings, Table, always
from spurious.experiments.rooms import Room

ROOM = Room(title="Published numbers", present=always)

FINDINGS = []


def published_as(settings: Settings) -> dict[str, Any]:
    """The name in a write-up of every classifier that it has numbers of."""
    entries = settings["classifiers"]
    names = dict.fromkeys(name for stage in ("smoothing", "fooling") for name in settings["experiment"][stage])
    return {name: entries[name]["published_as"] for name in names if "published_as" in entries[name]}


RESULTS = [
    Table(
        "published",
        "spurious.writeups.published:table",
        {
            "published": "resource.published.csv",
            "smoothing": "smoothing/gather_smoothing.summary",
            "toy": "table.linear-toy",
            "linear": "table.linear",
            "linear_tests": "table.linear-tests",
            "pair": "table.linear-pair",
            "fooling": "fooling/fool_classifier.rows",
            "rubbish": "fooling/fool_classifier.rubbish",
        },
        {"published_as": published_as, "decays": "linear.published_as"},
    ),
    Table("claims", "spurious.writeups.claims:table", {"claims": "resource.claims.csv", "tables": "claimed"}),
]
