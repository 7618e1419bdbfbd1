"""What the benchmarks share."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """A line of results/benchmarks.csv; `ratio` is how many times better ours is than the reference."""

    name: str
    ours: float
    reference: float
    ratio: float
    unit: str


def median_seconds(call: Callable[[], object], *, repeat: int, warm_up: int = 1) -> float:
    """Median wall time of `repeat` calls after `warm_up` uncounted ones."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
