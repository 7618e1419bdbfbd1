"""A mirror that fails in the middle of a run, and works at the next one."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness import CORES, TARGETS, Outcome, Undisturbed, compare, complaints, wrong_files
from mirroring import cut, hanging, ranged, status, whole
from projects import ARCHIVE, DATASET, change_config, run_snakemake
from serving import served

DOWNLOADED = f"results/downloads/{DATASET}/archive"
OVER = threading.Event()  # lets a mirror that hangs go


def halves(content: bytes) -> Callable:
    """Half of the file, every time."""
    return cut(len(content) // 2, content)


def stalls(content: bytes) -> Callable:
    """Half of the file, and then nothing for as long as the client waits."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        OVER.wait()

    return answer


def altered(content: bytes) -> Callable:
    """One bit of the file is another one."""
    middle = len(content) // 2
    return whole(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])


# fault: (what the mirror does, what the error line says)
FAULTS = {
    "download stops half-way, every time": (halves, "connection cut"),
    "altered download": (altered, "wrong sha256"),
    "mirror answers 503": (lambda content: status(503), "HTTP 503"),
}
SLOW_FAULTS = {  # these wait for the time-out
    "mirror hangs": (lambda content: hanging(OVER), "timed out"),
    "mirror hangs half-way": (stalls, "timed out"),
}


def bad_mirror(project: Path, fault: str, expected: Undisturbed, targets: Sequence[str] = TARGETS) -> Outcome:
    """Run against a mirror with this fault, which must fail in one line, and again when it works."""
    outcome = Outcome(fault)
    make, reason = (FAULTS | SLOW_FAULTS)[fault]
    content = (project / ARCHIVE).read_bytes()
    answers = [make(content)]
    OVER.clear()
    with pytest.MonkeyPatch.context() as patch, served(lambda handler: answers[-1](handler), patch) as port:
        archive = {"urls": [f"http://127.0.0.1:{port}/digits.npz"]}
        change_config(project, {"datasets": {DATASET: {"files": {"archive": archive}}}})
        done = run_snakemake(project, *targets, cores=CORES, check=False)
        OVER.set()
        outcome.problems = complaints(done, DOWNLOADED, reason, "set local_data", one_line=True)
        outcome.wrong = wrong_files(project, expected.files)
        answers.append(ranged(content))
        run_snakemake(project, *targets, cores=CORES)
    compare(outcome, project, expected.files)
    return outcome
