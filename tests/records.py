"""Records of made-up runs, and what roc-validator finds in a crate."""

import json

import pytest

from spurious.report.crate import METADATA, WORKFLOW, Packed, Run, description

CONTEXT = {
    "@vocab": "http://schema.org/",
    "File": "http://schema.org/MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
    "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
}
NEED_THE_NETWORK = ["ro-crate-1.1_3.1", "ro-crate-1.1_3.2"]  # whether the addresses of the contexts answer


def write_record(folder, **facts):
    """The record of the dataset whose results are in `folder`, with these facts; returns its path."""
    run = Run(folder.name, "snakemake demo", "Made up.", "0.1.0", "9.27.1", None, "2001-09-09T01:47:40+00:00")
    about = description(run, {WORKFLOW: Packed(1, "0" * 64)}, {folder.name: facts})
    (folder / METADATA).write_text(json.dumps(about), encoding="utf-8")
    return folder / METADATA


@pytest.fixture
def violations(monkeypatch):
    """A function: what roc-validator finds in the folder of a crate, but for what it would look up in the network."""
    services = pytest.importorskip("rocrate_validator.services", reason="roc-validator is not installed")
    from rocrate_validator.models import Severity
    from rocrate_validator.utils import document_loader

    monkeypatch.setattr(document_loader, "_fetch_json_ld", lambda address: {"@context": CONTEXT})

    def found(folder):
        settings = services.ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier="workflow-run-crate-0.5",
            requirement_severity=Severity.REQUIRED,
            skip_checks=NEED_THE_NETWORK,
        )
        return [issue.message for issue in services.validate(settings).get_issues()]

    return found
