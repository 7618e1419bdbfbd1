"""What the benchmarks share."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """A line of results/benchmarks.csv; `ratio` is how many times better ours is than the reference."""

    name: str
    ours: float
    reference: float
    ratio: float
    unit: str


def median_seconds(
    call: Callable[[], object], *, repeat: int, warm_up: int = 1, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median wall time, or that of another `clock`, of `repeat` calls after `warm_up` uncounted ones."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(repeat):
        start = clock()
        call()
        times.append(clock() - start)
    return statistics.median(times)


def memory_mb(field: str) -> float:
    """A line of /proc/self/status in MB, as VmHWM: the most that this process has held.

    getrusage() would also count what the process that started this one had held by then.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))
