"""Where the tables of a dataset come from: code, configuration, versions, seeds, machine, inputs, cost of the jobs.

The record is a Workflow Run RO-Crate beside the tables that it names, with a page for readers (docs/provenance.md).
"""

import argparse
import csv
import glob
import json
import platform
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.files.atomic import whole_file, write_text
from pipeline.files.photographs import sha256_of
from pipeline.jobs.arguments import Parser, json_argument, pair_argument, run
from pipeline.jobs.progress import progress
from pipeline.jobs.surroundings import git_state, hardware, installed
from spurious.errors import SpuriousError
from spurious.report import provenance, provenance_page
from spurious.report.crate import METADATA, WORKFLOW, Packed, Run, description

PROJECT = Path(__file__).resolve().parents[1]  # the commit that counts: the working directory may be another's
NOT_THERE = "not there any more"
A_FOLDER = "a folder: its files are not hashed"


def main(argv: list[str] | None = None) -> None:
    """Gather everything, write it beside the tables and as a page."""
    arguments = parse(argv)
    record = gather(arguments)
    write_text(arguments.output_html, provenance_page.to_html(record))
    with whole_file(arguments.output_folder / WORKFLOW) as temporary:
        shutil.copyfile(PROJECT / "workflow" / WORKFLOW, temporary)
    about = description(run_of(record), packed(arguments), {arguments.dataset: record})
    write_text(arguments.output_folder / METADATA, json.dumps(about, indent=1) + "\n")


def run_of(record: Mapping[str, Any]) -> Run:
    """The run that the tables of the dataset are of."""
    dataset, snakemake = record["dataset"], record["software"]["packages"]["snakemake"]
    words = (
        f"The tables of the dataset {dataset}, made by the workflow spurious, and where they come from. The licence is "
        "that of the code."
    )
    command = shlex.join(["snakemake", f"results/{dataset}/{METADATA}"])
    return Run(dataset, command, words, record["version"], str(snakemake), None, record["written"])


def packed(arguments: argparse.Namespace) -> dict[str, Packed]:
    """The files of the crate by their paths in it: the tables, which the run has written, and its workflow."""
    folder = arguments.output_folder
    parts = {folder / WORKFLOW: None, **dict.fromkeys(arguments.tables, "result")}
    return {
        path.relative_to(folder).as_posix(): Packed(path.stat().st_size, sha256_of(path), part)
        for path, part in parts.items()
    }


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--configuration", type=json_argument, required=True, metavar="JSON", help="in force for it")
    parser.add_argument("--requirements", type=Path, required=True, metavar="TXT", help="the packages to name")
    pair = pair_argument("sha256=file")
    parser.add_argument("--files", type=pair, nargs="*", default=[], help="sha256=file; =file where none is declared")
    pair = pair_argument("rule=pattern")
    parser.add_argument("--histories", type=pair, nargs="*", default=[], help="rule=pattern of its histories")
    parser.add_argument("--benchmarks", type=pair, nargs="*", default=[], help="rule=pattern of its benchmark files")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], metavar="CSV", help="of the dataset")
    parser.add_argument("--output-folder", type=Path, required=True, help="where the record is written")
    parser.add_argument("--output-html", required=True)
    return parser.parse_args(argv)


def gather(arguments: argparse.Namespace) -> dict[str, Any]:
    """The record, as docs/provenance.md describes it."""
    configuration = arguments.configuration
    measured, unreadable = measurements(dict(arguments.benchmarks), configuration)
    return {
        "dataset": arguments.dataset,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": provenance.VERSION,
        "git": git_state(PROJECT),
        "configuration_sha256": provenance.configuration_sha256(configuration),
        "seeds": provenance.seeds(configuration),
        "software": software(arguments.requirements),
        "hardware": hardware(),
        "inputs": [
            described(path, declared) for declared, path in progress(arguments.files, "input files", unit="file")
        ],
        "trainings": provenance.trainings(devices_of(dict(arguments.histories), configuration)),
        "rules": provenance.per_rule(measured),
        "total": provenance.total(measured),
        "unreadable_benchmarks": unreadable,
        "configuration": configuration,
    }


def software(requirements: Path) -> dict[str, Any]:
    """Python, and the packages of a requirements file as they are installed."""
    try:
        pinned = provenance.pins(requirements.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpuriousError(f"{requirements}: cannot be read ({error}); put the project's file there") from None
    packages = installed(pinned)
    unlike = provenance.unlike(pinned, packages)
    return {"python": platform.python_version(), "packages": packages, "unlike_requirements": unlike}


def described(path: str, declared: str) -> dict[str, Any]:
    """A file that the tables rest on, its content as it is now beside what was declared of it."""
    found = {"path": path, "bytes": None, "sha256": None, "declared_sha256": declared or None, "reason": None}
    try:
        if Path(path).is_dir():
            return found | {"reason": A_FOLDER}
        found |= {"bytes": Path(path).stat().st_size, "sha256": sha256_of(path)}
    except FileNotFoundError:
        return found | {"reason": NOT_THERE}
    except OSError as error:
        return found | {"reason": f"cannot be read ({error.strerror})"}
    same = found["sha256"].startswith(declared.lower())
    return found if same else found | {"reason": "not what was declared"}


def devices_of(
    patterns: Mapping[str, str], configuration: Mapping[str, Any]
) -> Iterator[tuple[str, str | None, str | None]]:
    """(rule, device, precision) of every training of the configuration that left a history; None: it does not say."""
    for path, rule in files_of_jobs(patterns, configuration):
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error):
            rows = [{}]
        found = {(row.get("round"), row.get("device"), row.get("precision")) for row in rows}  # rounds are apart
        yield from ((rule, device, precision) for _, device, precision in found)


def measurements(
    patterns: Mapping[str, str], configuration: Mapping[str, Any]
) -> tuple[list[tuple[str, provenance.Measurement]], list[str]]:
    """(rule, what it took) of every job of the configuration that left a benchmark file; the unreadable files."""
    measured, unreadable = [], []
    for path, rule in files_of_jobs(patterns, configuration):
        try:
            found = provenance.measurement(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        if found is None:
            unreadable.append(path)
        else:
            measured.append((rule, found))
    return measured, unreadable


def files_of_jobs(patterns: Mapping[str, str], configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, rule) of the files that the configuration's jobs left; those of an earlier one may lie beside them."""
    shapes = [re.sub(r"\{\w+\}", "*", pattern) for pattern in patterns.values()]
    for path in sorted({path for shape in shapes for path in glob.glob(shape)}):
        rule, wildcards = provenance.source_of(path, patterns) or (None, {})
        if rule is not None and provenance.belongs(wildcards, configuration):
            yield path, rule


if __name__ == "__main__":
    run(main)
