"""What is shown of certification by randomized smoothing."""

from spurious.experiments.catalogue import Figure, Findings, Settings, Table
from spurious.experiments.certification.jobs import portions
from spurious.experiments.certification.settings import CertificationSettings
from spurious.experiments.rooms import WITH_GRADIENT, Room, names_of

HERE = "spurious.experiments.certification"


def published_as(settings: Settings) -> dict[str, str]:
    """The published name of every classifier that was trained as others published."""
    entries = {name: settings["classifiers"][name] for name in settings["experiment"]["certification"]}
    trained = {name: entry for name, entry in entries.items() if "architecture" in entry}
    return {name: entry["published_as"] for name, entry in trained.items() if "published_as" in entry}


ROOM = Room(
    title="Certification",
    after="robustness",
    settings=CertificationSettings,
    threads="certification",
    runs=names_of("different names of the classifiers that are certified under noise ([] for none)"),
    kinds=WITH_GRADIENT,
    one_class=True,
    photographs=True,
    wildcards={("classifier", "portion"): portions},
    measured=("certify_classifier",),
)

ROWS = {"rows": "certify_classifier.rows"}
RESULTS = [
    Table("certified", f"{HERE}.table:certified", ROWS, {"radii": "certification.radii"}, label="certified accuracy"),
    Table(
        "certified-attacks",
        f"{HERE}.table:attacks",
        {"rows": "certify_classifier.attacks"},
        label="attacks on certified decisions",
    ),
    Table(
        "certified-published",
        f"{HERE}.published:certified_published",
        {**ROWS, "published": "resource.published_certified.csv"},
        {"published_as": published_as},
        when=lambda settings: bool(published_as(settings)),
        label="certificates beside published ones",
    ),
    Figure("certified", f"{HERE}.figure:figure", ROWS, label="certified accuracy over the radius"),
]
FINDINGS = [
    Findings(
        "Certification",
        f"{HERE}.findings:certification",
        {"table": "certified", "attacks": "certified-attacks"},
        question="Within which distance can no change at all move the decision?",
        figure="certified",
    )
]
