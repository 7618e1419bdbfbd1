"""Hold every path of a GPU against the CPU: values within stated tolerances, rates, memory; a table at the end.

Without a GPU it says so and ends well. The exit status is 1 where a path does not agree.
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(ROOT / "scripts")]

try:
    import pandas as pd
    import torch

    import comparing
    import defences  # noqa: F401 - registers its paths, as the others do
    import paths  # noqa: F401
    import subjects
    import sweeps  # noqa: F401
    from pipeline.jobs.devices import prepare_compute
except ModuleNotFoundError as error:
    sys.exit(f"error: the package {error.name.partition('.')[0]} is missing; install it as requirements.txt says")

MEASURED = ROOT / "docs" / "measured" / "gpu.csv"
SPEED = ["cpu_rate", "gpu_rate", "ratio", "unit", "peak_memory_mib"]
COLUMNS = ["path", "precision", "device", *comparing.Agreement._fields, "agrees", *SPEED]


def main(argv: list[str] | None = None) -> int:
    """Compare the paths, print and write the table; returns the exit status."""
    arguments = parse(argv)
    device = prepare_compute(argparse.Namespace(threads=torch.get_num_threads(), gpu=int(arguments.device == "cuda")))
    if device.type != arguments.device:
        print("skipped: torch sees no GPU here; --device cpu compares the CPU with itself")
        return 0
    size = subjects.SMALL if arguments.small else subjects.FULL
    output = arguments.output or (MEASURED if device.type == "cuda" else None)
    rows, kept = [], rows_kept(output, arguments.paths)
    for path in comparing.PATHS:
        if not arguments.paths or path.name in arguments.paths:
            start = time.perf_counter()
            rows += rows_of(path, comparing.Bench(device, size, path.precision))
            print(f"{path.name}, {path.precision}: {time.perf_counter() - start:.1f} s", flush=True)
            table = pd.DataFrame(rows, columns=COLUMNS)
            if output:  # after every path: a GPU that is lent for minutes may end the run
                pd.concat([kept, table]).to_csv(output, index=False, lineterminator="\n")
    print(table.drop(columns="device").to_string(index=False, na_rep="", float_format="{:.4g}".format))
    wrong = table["agrees"].eq(False)
    print(f"{wrong.sum()} of {len(table)} quantities do not agree, on {name_of(device)}")
    return int(wrong.any())


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    known = list(dict.fromkeys(path.name for path in comparing.PATHS))
    parser.add_argument("paths", nargs="*", metavar="path", help=f"all without one: {', '.join(known)}")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: the CPU against itself")
    parser.add_argument("--small", action="store_true", help="little work, for a test of this program")
    parser.add_argument("--output", type=Path, help="CSV file; without it docs/measured/gpu.csv of a GPU, else none")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.paths) - set(known):
        parser.error(f"there is no path {min(unknown)!r}; there are {', '.join(known)}")
    return arguments


def rows_kept(output: Path | None, paths: list[str]) -> pd.DataFrame | None:
    """The rows of other paths in the output, where only the named `paths` are compared."""
    if not (paths and output and output.exists()):
        return None
    table = pd.read_csv(output)
    return table[~table["path"].isin(paths)]


def rows_of(path: comparing.Path, bench: comparing.Bench) -> list[dict[str, object]]:
    """Every quantity of a path with its rates and memory; one row where it was skipped or failed."""
    common = {"path": path.name, "precision": path.precision, "device": name_of(bench.device), "unit": path.unit}
    try:
        agreements = [*path.compare(bench), bench.repeated()]
    except comparing.Skipped as reason:
        return [common | {"quantity": f"skipped: {reason}"}]
    except Exception as error:  # the other paths shall still be compared
        traceback.print_exc()
        return [common | {"quantity": f"failed: {type(error).__name__}", "agrees": False}]
    cpu, gpu = bench.timed
    speed = {"cpu_rate": cpu.rate, "gpu_rate": gpu.rate, "ratio": gpu.rate / cpu.rate, "peak_memory_mib": gpu.peak_mib}
    return [common | one._asdict() | {"agrees": one.agrees} | speed for one in agreements]


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


if __name__ == "__main__":
    sys.exit(main())
