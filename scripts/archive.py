"""Pack a finished target into one file that can be unpacked on another machine, where nothing is left to do.

    python scripts/archive.py demo
    python scripts/archive.py mine --configfile mine.yaml --output /backup/mine.zip

The ZIP file holds the workflow, the results of the target, its report and Snakemake's records, described as a Workflow
Run RO-Crate. It has the same bytes for the same folder. Start it where the target was run (docs/archive.md).
"""

import argparse
import base64
import csv
import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.jobs.arguments import Parser, answer_help, run


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="demo, paper or one of your own")
    parser.add_argument("--configfile", nargs="+", default=[], metavar="FILE", help="as given to snakemake")
    parser.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="as given to snakemake")
    parser.add_argument("--output", type=Path, help="default: results/TARGET.crate.zip")
    return parser.parse_args(argv)


answer_help(__name__, parse)

from pipeline.files.atomic import whole_file
from pipeline.files.photographs import sha256_of
from pipeline.files.records import record_of
from pipeline.jobs.progress import progress, tell
from pipeline.jobs.surroundings import installed
from spurious.errors import SpuriousError
from spurious.report.crate import METADATA, Packed, Run, description
from spurious.report.provenance import VERSION
from spurious.wording import plural

RECORDS = Path(".snakemake/metadata")
WORKFLOW = (  # all that a run needs, and what explains it
    *("Snakefile", "Makefile", "config.yaml", "config", "workflow", "scripts", "profiles", "docs", "results/README.md"),
    *("requirements.txt", "requirements-slurm.txt", "requirements-test.txt", "environment.yml", "pyproject.toml"),
    *("README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Find the files of the target, hash them, and write the archive."""
    arguments = parse(argv)
    outputs = finished(arguments.target, options(arguments))
    records = records_of(outputs)
    datasets = records_of_datasets(outputs)
    own = {path for record in datasets.values() for path in record["configuration"].get("extensions", [])}
    parts = files_of(arguments, outputs, records, own)
    packed = {
        path: Packed(Path(path).stat().st_size, sha256_of(path), parts[path])
        for path in progress(sorted(parts), "hashing", "file")
    }
    about = description(run_of(arguments, records.values()), packed, datasets)
    output = arguments.output or Path(f"results/{arguments.target}.crate.zip")
    write(output, json.dumps(about, indent=1, ensure_ascii=False) + "\n", packed)
    print(f"{output}: {plural(len(packed), 'file')}, sha256 {sha256_of(output)}")


def options(arguments: argparse.Namespace) -> list[str]:
    """The options that snakemake was given."""
    given = {"--configfile": arguments.configfile, "--config": arguments.config}
    return [word for name, values in given.items() if values for word in (name, *values)]


def finished(target: str, given: Sequence[str]) -> set[str]:
    """What the jobs of a target write; SpuriousError where snakemake cannot plan it, or would still make something."""
    command = [sys.executable, "-m", "snakemake", target, "--summary", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = list(csv.DictReader(done.stdout.splitlines(), delimiter="\t"))
    if done.returncode or not rows:
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        raise SpuriousError(f"{target}: snakemake cannot plan it ({said.removeprefix('error: ')}); correct that first")
    left = [row["output_file"] for row in rows if row["plan"] != "no update"]
    if left:
        command = shlex.join(["snakemake", target, *given])
        files = f"{plural(len(left), 'file')} of it missing or not up to date"
        raise SpuriousError(f"{target}: {files}, such as {left[0]}; run {command} first")
    return {row["output_file"] for row in rows}


def records_of(outputs: set[str]) -> dict[str, dict[str, Any]]:
    """Snakemake's records of these files by their paths."""
    found = {}
    for path in RECORDS.rglob("*"):
        if path.is_file():
            name = "".join(part.removeprefix("@") for part in path.relative_to(RECORDS).parts)  # long ones are split
            if base64.urlsafe_b64decode(name).decode() in outputs:
                found[str(path)] = json.loads(path.read_text(encoding="utf-8"))
    return found


def files_of(
    arguments: argparse.Namespace, outputs: set[str], records: Mapping[str, Mapping[str, Any]], extensions: set[str]
) -> dict[str, str | None]:
    """The files to pack, and their part in the run (see `spurious.report.crate.Packed`).

    `records`: Snakemake's; `extensions`: the files of kinds of one's own.
    """
    report = f"results/{arguments.target}.html"
    if not Path(report).is_file():
        raise SpuriousError(f"{report}: is missing; run snakemake {arguments.target} --report {report}")
    given = [*arguments.configfile, *extensions]
    inputs = {path for record in records.values() for path in record["input"] or ()} - outputs
    rest = [*WORKFLOW, *records, *(f"results/logs/{name}" for name in datasets_of(outputs))]
    parts = [(rest, None), (["config.yaml", *given, *inputs], "object"), ([*outputs, report], "result")]
    return {path: part for paths, part in parts for path in single(paths)}


def datasets_of(outputs: set[str]) -> list[str]:
    """The datasets that the files of a target are of."""
    return sorted({Path(path).parts[1] for path in outputs})


def records_of_datasets(outputs: set[str]) -> dict[str, dict[str, Any]]:
    """What is known of the run of each dataset, where it has a record."""
    found = {name: record_of(Path("results", name)) for name in datasets_of(outputs)}
    return {name: record for name, record in found.items() if record is not None}


def single(paths: Iterable[str]) -> Iterator[str]:
    """The files that are there, folders as the files in them; a note names those outside of this folder."""
    for path in sorted(paths):
        place = Path(path)
        if place.is_absolute() or ".." in place.parts:
            tell(f"note: {path}: is left out, because it is not in this folder")
        elif place.is_dir():
            yield from (str(file) for file in place.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        elif place.is_file():
            yield str(place)


def run_of(arguments: argparse.Namespace, records: Iterable[Mapping[str, Any]]) -> Run:
    """What is known of the run as a whole."""
    records = list(records)
    began, ended = (
        datetime.fromtimestamp(of(record[key] for record in records), UTC).isoformat(timespec="seconds")
        for of, key in ((min, "starttime"), (max, "endtime"))
    )
    command = shlex.join(["snakemake", arguments.target, *options(arguments)])
    words = (
        f"The finished target {arguments.target} of the workflow spurious: sources, tables, figures, weights, images, "
        f"and Snakemake's records. Unpacked, `{command} -n` has nothing to do. The licence is that of the code; "
        "photographs and classifiers from elsewhere keep theirs."
    )
    snakemake = str(installed(["snakemake"])["snakemake"])
    return Run(arguments.target, command, words, VERSION, snakemake, began, ended)


def write(output: Path, metadata: str, paths: Iterable[str]) -> None:
    """Write the archive whole or not at all: sorted, with one time and one mode for all files."""
    with whole_file(output) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry(METADATA, len(metadata)), metadata)
        for path in progress(sorted(paths), "packing", "file"):
            with open(path, "rb") as source, archive.open(entry(path, Path(path).stat().st_size), "w") as place:
                shutil.copyfileobj(source, place, 2**20)


def entry(name: str, size: int) -> zipfile.ZipInfo:
    """An entry of 1 January 1980: Snakemake compares contents, and times only where an input is the newer one."""
    info = zipfile.ZipInfo(name)
    info.compress_type, info.external_attr, info.file_size = zipfile.ZIP_DEFLATED, 0o644 << 16, size
    return info


if __name__ == "__main__":
    run(main)
