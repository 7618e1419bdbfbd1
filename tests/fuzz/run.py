"""Fuzz the readers of foreign files, guided by coverage (atheris), and write results/fuzzing.csv.

    python tests/fuzz/run.py [target ...] --seconds 60 --seed 0

Every target runs in a process of its own. A crash is an exception that is not ours, a guarantee that does not hold
(targets.py, guarding.py), too much memory, a time-out or the end of the process. Its bytes and what it raised lie in
results/fuzzing/<target>/; the exit status is then 1. Rows of targets that are not run are kept.
"""

import argparse
import contextlib
import ctypes
import hashlib
import importlib
import importlib.util
import os
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"  # libgomp's threads do not survive a fork, and one is enough

import atheris

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(ROOT / "scripts")]

OURS = ("spurious", *(path.stem for path in (ROOT / "scripts").glob("*.py")))
THEIRS = ("PIL", "skops", "tokenize")
BEFORE = ("numpy", "pandas", "scipy", "torch", "sklearn.ensemble", "requests", "tqdm")  # too large to be instrumented
HARD_LIMIT = 2048  # MB beside the start: there libFuzzer ends the process itself
TIMEOUT = 60  # seconds for one input
RESTARTS = 5  # after the end of a process
MB = 1 << 20


class Row(NamedTuple):
    """A line of results/fuzzing.csv.

    `coverage` is the number of edges of instrumented Python code that were reached, `features` libFuzzer's finer count;
    `memory_mb` the most that the process grew by, `limit_mb` what one input may take.
    """

    target: str
    executions: int
    seconds: float
    coverage: int
    features: int
    memory_mb: float
    limit_mb: int
    crashes: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the targets one after the other; 1 where one of them crashed."""
    arguments = parse(argv)
    for module in BEFORE:
        importlib.import_module(module)
    with atheris.instrument_imports(include=[*OURS, *THEIRS]):
        targets = load(arguments.targets).TARGETS
    from tabulate import tabulate

    names = arguments.names or list(targets)
    unknown = sorted(set(names) - targets.keys())
    if unknown:
        sys.exit(f"error: {unknown[0]}: no such target; known are {', '.join(targets)}")
    rows = []
    for name in names:
        rows.append(fuzz(name, targets[name], arguments))
        print(tabulate([rows[-1]._asdict()], headers="keys", floatfmt=".4g"), flush=True)
    write(arguments.output, rows)
    return int(any(row.crashes for row in rows))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="target", help="all of them where none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for every target (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=-1, help="inputs for every target, if that is sooner")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "fuzzing.csv")
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found worth changing further")
    parser.add_argument("--targets", type=Path, default=FOLDER / "targets.py", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def load(path: Path) -> ModuleType:
    """The module of a file, by its own name, so that others find it, too."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fuzz(name: str, target: NamedTuple, arguments: argparse.Namespace) -> Row:
    """One target until its time or its inputs are used up, in new processes where one ends before."""
    findings = arguments.output.with_suffix("") / name
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir(parents=True)
    start, executions, numbers = time.monotonic(), 0, {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        corpus = arguments.corpus / name if arguments.corpus else Path(temporary, "corpus")
        for restart in range(1 + RESTARTS):
            left = round(arguments.seconds - (time.monotonic() - start))
            runs = arguments.runs - executions if arguments.runs > 0 else -1
            options = [f"-seed={arguments.seed + restart + 1}", f"-max_total_time={max(left, 1)}", f"-runs={runs}"]
            log = Path(temporary, "log")
            failed = in_process(target, options, corpus, findings, log)
            text = log.read_text(errors="replace")
            executions += number(r"number_of_executed_units:\s*(\d+)", text)
            for key, pattern in (("cov", r"cov: (\d+)"), ("ft", r"ft: (\d+)"), ("memory", r"^memory_kb: (\d+)")):
                numbers[key] = max(numbers.get(key, 0), number(pattern, text))
            if not failed:
                break
            (findings / f"ended-{restart}.txt").write_text(text[-20000:])
    crashes = len({path.stem for path in findings.glob("*.txt")})
    seconds, memory = round(time.monotonic() - start, 1), round(numbers["memory"] / 1024, 1)
    return Row(name, executions, seconds, numbers["cov"], numbers["ft"], memory, target.limit, crashes)


def seed(corpus: Path, contents: Sequence[bytes]) -> None:
    """Put the target's own inputs beside what is in the folder already."""
    corpus.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (corpus / hashlib.sha1(content).hexdigest()).write_bytes(content)


def number(pattern: str, text: str) -> int:
    """The largest number that a pattern finds, 0 where there is none."""
    return max(map(int, re.findall(pattern, text, re.MULTILINE)), default=0)


def in_process(target: NamedTuple, options: list[str], corpus: Path, findings: Path, log: Path) -> bool:
    """Fuzz in a fork, which has everything imported and instrumented; tells whether it ended before it was done."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        folder = log.with_name("scratch")
        folder.mkdir(exist_ok=True)
        seeds = target.seeds()
        seed(corpus, seeds)
        limits = [f"-rss_limit_mb={rss() // MB + target.limit + HARD_LIMIT}", "-malloc_limit_mb=0"]
        settings = [f"-timeout={TIMEOUT}", f"-max_len={max(target.length, *map(len, seeds))}", "-len_control=0"]
        options = [*options, *limits, *settings, f"-artifact_prefix={findings}/", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], Judge(target, folder, findings))
        atheris.Fuzz()
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def rss() -> int:
    """Bytes that this process has in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def most_memory() -> int:
    """kB that this process has had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Judge:
    """A target as libFuzzer calls it: remembers each kind of crash once, with its bytes, and goes on."""

    def __init__(self, target: NamedTuple, folder: Path, findings: Path):
        from guarding import watched

        self.target, self.folder, self.findings, self.watched = target, folder, findings, watched
        self.known: set[str] = set()
        self.start = self.peak = rss() // 1024

    def __call__(self, content: bytes) -> None:
        try:
            with self.watched(self.folder):
                self.target.read(content, self.folder)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self.keep(content, place_of(error), traceback.format_exc())
        except BaseException as error:  # a panic of Rust is no Exception
            self.keep(content, type(error).__name__, traceback.format_exc())
        self.weigh(content)

    def weigh(self, content: bytes) -> None:
        """Tell a new peak of memory; it is a crash where this input alone exceeds the limit."""
        peak = most_memory()
        if peak <= self.peak:
            return
        if self.exceeds(peak):
            peak = self.weighed_alone(content)
        self.peak = peak
        print(f"memory_kb: {peak - self.start}", file=sys.stderr, flush=True)
        if self.exceeds(peak):
            self.keep(content, "memory", f"{peak - self.start} kB beside the start\n")

    def exceeds(self, peak: int) -> bool:
        return peak - self.start > self.target.limit * 1024

    def weighed_alone(self, content: bytes) -> int:
        """The peak when the input is read again, with what the earlier ones left behind counted to the start.

        safetensors may lose 64 bytes with a tensor that it reads: nothing for who reads a file, 48 MB in 130,000 runs.
        """
        ctypes.CDLL(None).malloc_trim(0)
        self.start = rss() // 1024
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew from here
        with contextlib.suppress(BaseException), self.watched(self.folder):
            self.target.read(content, self.folder)
        return most_memory()

    def keep(self, content: bytes, kind: str, text: str) -> None:
        """Write the bytes and what they raised, once for each kind."""
        if kind not in self.known:
            self.known.add(kind)
            name = "crash-" + re.sub(r"\W+", "-", kind)[-80:]
            (self.findings / f"{name}.bin").write_bytes(content)
            (self.findings / f"{name}.txt").write_text(text, errors="replace")


def place_of(error: BaseException) -> str:
    """What was raised and by which line: the same defect is met many thousand times."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    ours = next((frame for frame in reversed(frames) if "scripts" in frame.filename), last)
    return f"{type(error).__name__} {Path(last.filename).stem} {last.lineno} {Path(ours.filename).stem} {ours.lineno}"


def write(output: Path, rows: Sequence[Row]) -> None:
    """The table; rows of other targets that it has are kept."""
    import pandas as pd

    from pipeline.files.atomic import whole_file

    table = pd.DataFrame(rows, columns=Row._fields)
    if output.exists():
        before = pd.read_csv(output)
        table = pd.concat([before[~before["target"].isin(table["target"])], table])
    with whole_file(output) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    sys.exit(main())
