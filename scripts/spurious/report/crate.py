"""A finished run described as a Workflow Run RO-Crate, and its files held against that description.

Profiles: https://w3id.org/ro/wfrun/workflow/0.5 on RO-Crate 1.1 (Leo et al., PLoS ONE 19, 2024, e0309210).
"""

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
    """A file of the archive: its size in bytes, the SHA-256 of its content (hexadecimal), its part in the run."""

    size: int
    sha256: str
    part: str | None = None  # "object", which the run reads, or "result", which it writes; None: the rest


@dataclass(frozen=True)
class Run:
    """What was run, and when its first job began and its last one ended (ISO 8601 with the zone)."""

    target: str
    command: str
    version: str
    snakemake: str
    began: str
    ended: str


def description(run: Run, files: Mapping[str, Packed]) -> dict[str, Any]:
    """The content of `ro-crate-metadata.json`, JSON-LD; the same for the same arguments.

    `files` by their paths in the archive, among them the workflow and LICENSE. Needs the package `rocrate`.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(_CONTEXT)
    crate.name, crate.description = f"spurious: {run.target}", _words(run)
    crate.datePublished, crate.license = run.ended, {"@id": "LICENSE"}
    own = _properties(WORKFLOW, files[WORKFLOW]) | {"version": run.version, "license": {"@id": "LICENSE"}}
    language = {"lang": "snakemake", "lang_version": run.snakemake}
    workflow = crate.add_workflow(dest_path=WORKFLOW, properties=own, main=True, **language)
    rest = [path for path in files if path != WORKFLOW]
    entities = {path: crate.add_file(dest_path=path, properties=_properties(path, files[path])) for path in rest}
    crate.root_dataset["conformsTo"] = [_profile(crate, *profile) for profile in _PROFILES.items()]
    if "README.md" in entities:
        entities["README.md"]["about"] = crate.root_dataset
    crate.root_dataset["mentions"] = [_action(crate, run, workflow, entities, files)]
    return crate.metadata.generate()


def _words(run: Run) -> str:
    return (
        f"The finished target {run.target} of the workflow spurious: sources, tables, figures, weights, images, and "
        f"Snakemake's records. Unpacked, `{run.command} -n` has nothing to do. The licence is that of the code; "
        "photographs and classifiers from elsewhere keep theirs."
    )


def _properties(path: str, packed: Packed) -> dict[str, Any]:
    kind = next((kind for suffix, kind in _TYPES.items() if path.endswith(suffix)), "application/octet-stream")
    return {"name": path, "contentSize": str(packed.size), "sha256": packed.sha256, "encodingFormat": kind}


def _profile(crate: Any, address: str, words: tuple[str, str]) -> Any:
    from rocrate.model.contextentity import ContextEntity

    properties = {"@type": "CreativeWork", "name": words[0], "version": words[1]}
    return crate.add(ContextEntity(crate, address, properties))


def _action(crate: Any, run: Run, workflow: Any, entities: Mapping[str, Any], files: Mapping[str, Packed]) -> Any:
    parts = {part: [entities[path] for path in entities if files[path].part == part] for part in ("object", "result")}
    times = {"startTime": run.began, "endTime": run.ended}
    said = {"name": run.command, "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"}}
    return crate.add_action(workflow, f"#run-{run.target}", **parts, properties=said | times)


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
