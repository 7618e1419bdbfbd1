"""How a path is held against the CPU: each quantity with its tolerance, the time, the memory, and the list of paths."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

CPU = torch.device("cpu")
Values = dict[str, Tensor]
Work = int | Callable[[Values], int]


class Skipped(Exception):
    """A path that cannot run here; the message says why."""


class Agreement(NamedTuple):
    """A quantity on both devices (nan where one number says nothing); they agree up to the tolerance."""

    quantity: str
    cpu: float
    gpu: float
    difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """False for nan, too."""
        return self.difference <= self.tolerance


def number(quantity: str, cpu: float, gpu: float, tolerance: float) -> Agreement:
    """Two numbers by their absolute difference."""
    return Agreement(quantity, float(cpu), float(gpu), abs(float(cpu) - float(gpu)), tolerance)


def mean(quantity: str, cpu: Tensor, gpu: Tensor, tolerance: float) -> Agreement:
    """Two tensors by the difference of their means."""
    return number(quantity, cpu.double().mean(), gpu.double().mean(), tolerance)


def largest(quantity: str, cpu: Tensor, gpu: Tensor, tolerance: float) -> Agreement:
    """Two tensors of one shape by the largest difference of their entries; shown are their means."""
    difference = (cpu.double() - gpu.double()).abs().max().item()
    return mean(quantity, cpu, gpu, tolerance)._replace(difference=difference)


def different(quantity: str, cpu: Tensor, gpu: Tensor, tolerance: float) -> Agreement:
    """Two tensors of one shape by the share of entries that are not equal."""
    return Agreement(quantity, math.nan, math.nan, share_of_different(cpu, gpu), tolerance)


def share_of_different(one: Tensor, other: Tensor) -> float:
    """Share of entries of two tensors of one shape that are not equal; nan equals nan."""
    equal = torch.isclose(one, other, rtol=0, atol=0, equal_nan=True)
    return 1 - equal.double().mean().item()


class Timed(NamedTuple):
    """What a computation gave on one device.

    `values` on the CPU; `rate` in units of work per second; `changed`: the largest share of a value's entries that
    were others at the second run; `peak_mib`: the most that torch held on the GPU, nan on the CPU.
    """

    values: Values
    rate: float
    changed: float
    peak_mib: float


def timed(compute: Callable[[torch.device], Values], device: torch.device, work: Work, seconds: float) -> Timed:
    """Run it once to warm up, then until `seconds` have passed, at least once; `work` is what one run does."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    first = _on_the_cpu(compute(device))
    runs, start = 0, time.perf_counter()
    while not runs or time.perf_counter() - start < seconds:
        last = _on_the_cpu(compute(device))  # waits for the GPU
        runs += 1
    rate = runs * (work(last) if callable(work) else work) / (time.perf_counter() - start)
    changed = max(share_of_different(first[name], last[name]) for name in first)
    return Timed(last, rate, changed, torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else math.nan)


def _on_the_cpu(values: Values) -> Values:
    return {name: value.detach().cpu() for name, value in values.items()}


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much the paths compute.

    `channels` and `units` are the CNN's widths, `network` is torchvision's classifier of the `photographs`, `images`
    the digits that are tested, `steps` those of an image optimization, `queries` those of a black-box search.
    `seconds`: for how long each path is timed on each device, at least.
    """

    channels: tuple[int, int]
    units: int
    epochs: int
    images: int
    steps: int
    queries: int
    sigmas: tuple[float, ...]
    network: str
    photographs: int
    seconds: float


@dataclass
class Bench:
    """Where one path is compared: its precision, the device that is held against the CPU, and how much to compute."""

    device: torch.device
    size: Size
    precision: str = "float32"
    timed: tuple[Timed, Timed] | None = field(default=None, init=False)

    def both(self, compute: Callable[[torch.device], Values], *, work: Work) -> tuple[Values, Values]:
        """What `compute` gives on the CPU and on the device; `work`: how many units a call does, or its values tell."""
        self.timed = tuple(timed(compute, device, work, self.size.seconds) for device in (CPU, self.device))
        return tuple(one.values for one in self.timed)

    def repeated(self) -> Agreement:
        """Whether a second run on the same device gave the same values, bit for bit, as the pipeline promises."""
        cpu, gpu = (one.changed for one in self.timed)
        return Agreement("values that another run changes", cpu, gpu, max(cpu, gpu), 0.0)


class Path(NamedTuple):
    """One path at one precision; `compare` yields its agreements, `unit` is that of its rates."""

    name: str
    precision: str
    unit: str
    compare: Callable[[Bench], Iterator[Agreement]]


PATHS: list[Path] = []


def path(*precisions: str, unit: str) -> Callable[[Callable], Callable]:
    """Register a comparison under its function's name, once for each precision.

    Its docstring says what is compared; it calls `bench.both` once and yields agreements, or raises Skipped.
    """

    def register(compare: Callable[[Bench], Iterator[Agreement]]) -> Callable:
        name = compare.__name__.replace("_", " ")
        PATHS.extend(Path(name, precision, unit, compare) for precision in precisions)
        return compare

    return register
