"""The gate: are all results byte for byte what they were before a change of the code?

It runs the demo, and beside it small parts that reach what the demo does not: photographs with a TorchScript
classifier, both recipes with two threads, an .npz file, a store made of trees. Compared are hashes of every table,
figure and tensor; provenance, logs and benchmark files are left out. CSV files that differ are shown cell by cell.

    python tests/gate/run.py RESULTS --record before.json     before the change
    python tests/gate/run.py RESULTS --compare before.json    after it; exits with 1 where anything differs
    ... --small          without the demo: two minutes
    ... --parts tree     only these parts
    ... --hash-only      of finished results in RESULTS: nothing is run

The checkout that holds this file is copied and run elsewhere; the results go to RESULTS, a new folder. Real MNIST,
photographs and classifier are taken from --data or the environment variable SPURIOUS_DATA, a folder as `local_data`
in config.yaml; without it they are made up, and the two kinds of data cannot be compared with each other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent), str(FOLDER.parents[1] / "scripts")]

import hashes  # noqa: E402 - found through the paths above
from parts import PARTS, SMALL  # noqa: E402
from projects import copy_project, environment, error_lines, read_config, run_snakemake, write_config  # noqa: E402


def main(argv=None):
    """Make the results, then record or compare their hashes."""
    arguments = parse(argv)
    names = arguments.parts or (SMALL if arguments.small else list(PARTS))
    if not arguments.hash_only:
        make_results(arguments.results, names, arguments.data)
    made = hashes.record(arguments.results) | {"data": data_of(arguments)}
    if arguments.record:
        arguments.record.write_text(json.dumps(made, indent=0), encoding="utf-8")
        print(f"{arguments.record}: hashes of {len(made['files'])} files")
    if arguments.compare:
        datasets = None if arguments.hash_only else [PARTS[name].dataset for name in names]
        sys.exit(compare(arguments.compare, made, datasets))


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a folder that is not there yet; with --hash-only one that is")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the hashes to this file")
    parser.add_argument("--compare", type=Path, nargs="+", metavar="FILE", help="compare with these records")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--small", action="store_true", help="leave the demo out")
    which.add_argument("--parts", nargs="+", choices=PARTS, metavar="NAME", help=f"of {', '.join(PARTS)}")
    which.add_argument("--hash-only", action="store_true", help="run nothing")
    data = os.environ.get("SPURIOUS_DATA")
    parser.add_argument("--data", type=Path, default=data, help="folder with mnist, imagenet-sample-images, models")
    arguments = parser.parse_args(argv)
    if not arguments.record and not arguments.compare:
        parser.error("say --record FILE or --compare FILE")
    if not arguments.hash_only and arguments.results.exists():
        parser.error(f"{arguments.results} is there already: remove it, or name another folder")
    if arguments.hash_only and not arguments.results.is_dir():
        parser.error(f"{arguments.results} is no folder")
    if arguments.data:
        arguments.data = arguments.data.resolve()
    return arguments


def data_of(arguments):
    """None where it does not matter: for results that were there."""
    if arguments.hash_only:
        return None
    return "real" if arguments.data else "made up"


def make_results(results, names, data):
    """Run the parts in a copy of this checkout; what they made lies in `results` even where one fails."""
    with tempfile.TemporaryDirectory(prefix="gate-") as place:
        folder = copy_project(Path(place))
        config = read_config(folder)
        try:
            for name in names:
                start = time.monotonic()
                run_part(folder, PARTS[name], config, data)
                print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
        finally:
            shutil.copytree(folder / "results", results, symlinks=True)


def run_part(folder, part, config, data):
    """Every result of one part, with the rest of the configuration as the checkout has it."""
    if part.make:
        config = configuration(config, part.dataset, part.make(folder, data))
    write_config(folder, config)
    done = run_snakemake(folder, part.target, cores=2, check=False)
    if done.returncode:
        log = folder / f"results/logs/gate_{part.dataset}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        sys.exit(
            "\n".join([*error_lines(done), f"{part.dataset}: snakemake failed; see logs/{log.name} of the results"])
        )
    for name, command in part.commands.items():
        run_command(folder, f"results/{part.dataset}/commands/{name}", command)


def run_command(folder, output, command):
    """What a person would run, on the results; what it prints lies in `output`.txt beside the files it writes."""
    (folder / output).parent.mkdir(exist_ok=True)
    words = [sys.executable, *command, "--output", output]
    done = subprocess.run(words, cwd=folder, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
    (folder / f"{output}.txt").write_text(done.stdout, encoding="utf-8")


def configuration(config, dataset, made):
    """`config` with the part's dataset as the only one that is run; entries are replaced, not merged."""
    searches = config["backworking"]["searches"]
    return config | {
        "local_data": made.get("local_data"),
        "datasets": config["datasets"] | {dataset: made["datasets"]},
        "classifiers": config["classifiers"] | made.get("classifiers", {}),
        "backworking": config["backworking"] | {"searches": searches | made.get("searches", {})},
        "experiments": {dataset: made["experiment"]},
        "targets": {"demo": [], "paper": [dataset]},
    }


def compare(paths, made, datasets):
    """Print what differs from the records, of these datasets (None: all); the exit status."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for path, record in zip(paths, records, strict=True):
        for key in ("made", "data"):
            if None not in (record[key], made[key]) and record[key] != made[key]:
                print(f"{path}: {key}: {record[key]} there, {made[key]} here", file=sys.stderr)
    before = {key: {name: value for record in records for name, value in record[key].items()} for key in hashes.KEYS}
    lines = hashes.differences(hashes.of_datasets(before, datasets), hashes.of_datasets(made, datasets))
    print("\n".join(lines) if lines else f"all {len(made['files'])} files are equal")
    return 1 if lines else 0


if __name__ == "__main__":
    main()
