"""A run described as a Workflow Run RO-Crate: the record of a dataset, and the archive that holds such records.

Profiles: https://w3id.org/ro/wfrun/workflow/0.5 on RO-Crate 1.1 (Leo et al., PLoS ONE 19, 2024, e0309210).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from spurious.errors import SpuriousError, reason_of

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"  # the file that is the workflow
_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"  # has the term sha256
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_LICENCE = "LICENSE"  # the file, where a crate holds it
_SPDX = "https://spdx.org/licenses/MIT"
# What a record holds beside files. The run was given its parameters, and what it took is its usage of resources.
PARAMETERS = ("configuration", "configuration_sha256", "seeds", "inputs")
USAGE = ("trainings", "rules", "total", "unreadable_benchmarks")
ABOUT = ("dataset", "written", "version", "git", "software", "hardware")
_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}


@dataclass(frozen=True)
class Packed:
    """A file of a crate: its size in bytes, the SHA-256 of its content (hexadecimal), its part in the run."""

    size: int
    sha256: str
    part: str | None = None  # "object", which the run reads, or "result", which it writes; None: the rest


@dataclass(frozen=True)
class Run:
    """What was run, and when its first job began and its last one ended (ISO 8601 with the zone; None: unknown)."""

    target: str
    command: str
    words: str
    version: str
    snakemake: str
    began: str | None
    ended: str


def description(run: Run, files: Mapping[str, Packed], records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The content of `ro-crate-metadata.json`, JSON-LD; the same for the same arguments.

    `files` by their paths in the crate, among them the workflow. `records`: what is known of each dataset, with the
    keys PARAMETERS, USAGE and ABOUT; `record` gives one back. Needs the package `rocrate`.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(_CONTEXT)
    crate.name, crate.description = f"spurious: {run.target}", run.words
    licence = _licence(crate, files)
    crate.datePublished, crate.license = run.ended, licence
    own = _properties(WORKFLOW, files[WORKFLOW]) | {"version": run.version, "license": licence}
    language = {"lang": "snakemake", "lang_version": run.snakemake}
    workflow = crate.add_workflow(dest_path=WORKFLOW, properties=own, main=True, **language)
    rest = [path for path in files if path != WORKFLOW]
    entities = {path: crate.add_file(dest_path=path, properties=_properties(path, files[path])) for path in rest}
    crate.root_dataset["conformsTo"] = [_profile(crate, *profile) for profile in _PROFILES.items()]
    if "README.md" in entities:
        entities["README.md"]["about"] = crate.root_dataset
    facts = {keys: _facts(crate, records, keys) for keys in (PARAMETERS, USAGE, ABOUT)}
    of_run = {part: [entities[path] for path in entities if files[path].part == part] for part in ("object", "result")}
    of_run["object"] += facts[PARAMETERS]
    action = crate.add_action(workflow, f"#run-{run.target}", **of_run, properties=_of_action(run))
    action["resourceUsage"] = facts[USAGE]
    crate.root_dataset["mentions"] = [action, *facts[ABOUT]]
    return crate.metadata.generate()


def _facts(crate: Any, records: Mapping[str, Mapping[str, Any]], keys: tuple[str, ...]) -> list[Any]:
    """A property for each of these keys of each record, its value as JSON."""
    from rocrate.model.contextentity import ContextEntity

    found = []
    for dataset, key in ((dataset, key) for dataset, record in records.items() for key in keys if key in record):
        properties = {"@type": "PropertyValue", "name": f"{dataset}: {key}", "propertyID": key}
        properties["value"] = json.dumps(records[dataset][key], ensure_ascii=False)
        found.append(crate.add(ContextEntity(crate, f"#{dataset}/{key}", properties)))
    return found


def record(metadata: Any, dataset: str) -> dict[str, Any]:
    """What a description says of a dataset, as `description` was given it; SpuriousError where it says nothing."""
    try:
        facts = [entity for entity in metadata["@graph"] if entity["@id"].startswith(f"#{dataset}/")]
        found = {entity["propertyID"]: json.loads(entity["value"]) for entity in facts}
    except (AttributeError, KeyError, TypeError, ValueError):
        found = {}
    if not found:
        raise SpuriousError(f"{METADATA}: no readable record of {dataset}; delete it and make it again by snakemake")
    return found


def _licence(crate: Any, files: Mapping[str, Packed]) -> Any:
    """That of the code: the file, where the crate holds it."""
    from rocrate.model.contextentity import ContextEntity

    if _LICENCE in files:
        return {"@id": _LICENCE}
    return crate.add(ContextEntity(crate, _SPDX, {"@type": "CreativeWork", "name": "MIT License"}))


def _properties(path: str, packed: Packed) -> dict[str, Any]:
    kind = next((kind for suffix, kind in _TYPES.items() if path.endswith(suffix)), "application/octet-stream")
    return {"name": path, "contentSize": str(packed.size), "sha256": packed.sha256, "encodingFormat": kind}


def _profile(crate: Any, address: str, words: tuple[str, str]) -> Any:
    from rocrate.model.contextentity import ContextEntity

    properties = {"@type": "CreativeWork", "name": words[0], "version": words[1]}
    return crate.add(ContextEntity(crate, address, properties))


def _of_action(run: Run) -> dict[str, Any]:
    times = {"endTime": run.ended} | ({"startTime": run.began} if run.began else {})
    return {"name": run.command, "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"}} | times


def hashes(metadata: Any) -> Iterator[tuple[str, str]]:
    """(path, SHA-256) of every file of a description; SpuriousError where it is none."""
    try:
        found = [(unquote(entity["@id"]), entity["sha256"]) for entity in metadata["@graph"] if "sha256" in entity]
    except (AttributeError, KeyError, TypeError) as error:
        reason = reason_of(error)
        raise SpuriousError(f"{METADATA}: not the description of an archive ({reason}); unpack it again") from None
    if not found:
        raise SpuriousError(f"{METADATA}: names no file with a hash; unpack the archive again")
    yield from found
