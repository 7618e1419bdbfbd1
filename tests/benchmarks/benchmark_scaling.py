"""What a dry run costs the head of a large plan: 50,000 photographs, three classifiers, up to 10,000 jobs.

The photographs are made up and need not be there. One job sweeps one shard for one classifier, all noise seeds and
sigmas in it, so 1,000 shards are 3,000 jobs of the sweep. The reference of each size is the one before it times the
ratio of the jobs: a ratio of 1 is linear growth, above 1 is better. The table also goes to results/scaling.csv.
"""

import csv
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import yaml
from PIL import Image

from measuring import Row
from pipeline.files.atomic import whole_file
from planning import CLASSES, IMAGES, NOISE_SEEDS, SWEEP_OF_ONE_SHARD, make_large, planned_by_rule
from projects import change_config, copy_project, environment
from spurious.data.datasets import to_float
from spurious.data.photographs import decode
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.perturbations.noise import add_noise
from spurious.registry import parse
from spurious.views.preprocessing import Preprocessing
from spurious.views.viewer import Viewer

COLUMNS = "image,label,variant,seed,kernel,sigma,ns,ss,ds,decision,p_ns,p_ss,p_ds"  # of a shard's file
SHARDS = (26, 326, 1000, 3326)
REPEAT = 3
CACHED = "@functools.cache\ndef _followed_by"

# Linux counts what a process was before it became another program: started from here, where torch is imported, every
# head would have had 400 MB. So a small one starts it, and prints what its children took.
LAUNCHER = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(status)
"""


class Plan(NamedTuple):
    """What one dry run took: wall and processor seconds, and the head's largest resident memory in MB."""

    jobs: int
    seconds: float
    cpu_seconds: float
    memory: float


def rows(root: Path) -> Iterator[Row]:
    """Growth of the head's time and memory with the jobs; what a start, gathering and feeding a GPU cost."""
    with tempfile.TemporaryDirectory() as folder:
        copy = make_large(copy_project(Path(folder)), SHARDS[0])
        plans = least_plans(copy)
        write_table(root / "results" / "scaling.csv", plans)
        for smaller, larger in pairwise(plans):
            yield from growth_rows(smaller, larger)
        yield start_row(copy)
    yield from gathering_rows(root)
    yield feeding_row(root)


def growth_rows(smaller: Plan, larger: Plan) -> Iterator[Row]:
    """Processor time and memory of the larger plan against the smaller one's, times the ratio of their jobs."""
    times = larger.jobs / smaller.jobs
    name = f"dry run of {larger.jobs} jobs, {{}}, against {times:.2g} times that of {smaller.jobs}"
    for what, ours, before, unit in (
        ("processor time", larger.cpu_seconds, smaller.cpu_seconds, "s"),
        ("memory", larger.memory, smaller.memory, "MB"),
    ):
        yield Row(name.format(what), ours, times * before, times * before / ours, unit)


def start_row(folder: Path) -> Row:
    """Processor time to plan one shard, as every job on a cluster does again, and without our cache; same plan."""
    change_config(folder, {"smoothing": {"shards": SHARDS[0]}})
    module = folder / "scripts" / "pipeline" / "digest.py"
    text = module.read_text(encoding="utf-8")
    slower = text.replace(CACHED, CACHED.split("\n")[1])
    if slower == text:
        raise RuntimeError(f"{module}: has no line {CACHED!r}: fix this benchmark")
    times: dict[str, list[float]] = {text: [], slower: []}
    plans = []
    for version in (text, slower) * REPEAT:
        module.write_text(version, encoding="utf-8")
        plan, printed = dry_run(folder, SWEEP_OF_ONE_SHARD)
        times[version].append(plan.cpu_seconds)
        plans.append(planned_by_rule(printed))
    if any(plan != plans[0] for plan in plans):
        raise RuntimeError("the cache changes the plan")
    ours, reference = map(min, times.values())
    return Row(
        "plan of one shard, modules read once, against once for every script", ours, reference, reference / ours, "s"
    )


def gathering_rows(root: Path, few: int = 100, many: int = 1000) -> Iterator[Row]:
    """Processor time and memory of the job that gathers the shards of one classifier, against proportional growth."""
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder), root, many)
        (less, less_memory), (more, more_memory) = (gather(Path(folder), root, shards) for shards in (few, many))
    times = many / few
    name = f"gathering {many} shards of {IMAGES // many} images, {{}}, against {times:.2g} times that of {few}"
    yield Row(name.format("processor time"), more, times * less, times * less / more, "s")
    yield Row(name.format("memory"), more_memory, times * less_memory, times * less_memory / more_memory, "MB")


def write_shards(folder: Path, root: Path, shards: int) -> None:
    """Files as smooth_shard.py writes them, of made-up labels and probabilities."""
    draw = np.random.default_rng(0)
    settings = parse(SmoothingSettings, _sweep_of_five_seeds(root))
    rows = [(seed, kernel, sigma) for seed, sigma in conditions_of(settings) for kernel in settings.kernels]
    for shard in range(shards):
        images = np.arange(shard, IMAGES, shards)
        labels, p = draw.integers(0, CLASSES, (len(images), 3)), draw.random((len(images), 3), dtype=np.float32)
        lines = [
            f"ILSVRC2012_val_{image:08d}.JPEG,{ns},published,{seed},{kernel},{sigma},{ns},{ss},{ds},-1,{a},{b},{c}\n"
            for seed, kernel, sigma in rows
            for image, (ns, ss, ds), (a, b, c) in zip(images, labels, p, strict=True)
        ]
        (folder / f"shard{shard}.csv").write_text(f"{COLUMNS}\n{''.join(lines)}", encoding="utf-8")


def gather(folder: Path, root: Path, shards: int) -> tuple[float, float]:
    """Processor seconds and peak memory in MB of gathering the first `shards` shards of the folder."""
    outputs = [word for name in ("votes", "images", "summary") for word in (f"--{name}", str(folder / f"{name}.csv"))]
    paths = [str(folder / f"shard{shard}.csv") for shard in range(shards)]
    identification = ["--classifier", "resnet", "--classes", "1000"]
    command = [sys.executable, "scripts/gather_smoothing.py", *identification, *outputs, "--shards", *paths]
    return launched(command, root)[:2]


def conditions_of(settings: SmoothingSettings) -> list[tuple[int, float]]:
    """(noise seed, sigma) of all noise that an image of the variant "published" meets."""
    first, *others = settings.seeds
    noisy = [(seed, sigma) for seed in others for sigma in settings.sigmas if sigma]
    return [(first, sigma) for sigma in settings.sigmas] + noisy


def feeding_row(root: Path) -> Row:
    """Views a second of a core that reads and draws noise for a GPU, which does the rest, and of one that does all."""
    settings = parse(SmoothingSettings, _sweep_of_five_seeds(root))
    viewer = Viewer(Preprocessing(resize=256, crop=224), settings, settings.variants["published"])
    content = _jpeg()
    conditions = conditions_of(settings)
    views = len(conditions) * len(viewer.passes)

    def read() -> torch.Tensor:
        return to_float(decode(content, "made up"))[None]

    def feed() -> None:
        image = read()
        for seed, sigma in conditions:
            add_noise(image, ["made up"], sigma, seed)

    def make() -> None:
        image = read()
        for seed, sigma in conditions:
            viewer.views(image, ["made up"], sigma, seed)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ours, reference = (views / median_cpu_seconds(call) for call in (feed, make))
    torch.set_num_threads(threads)
    return Row(
        "views that one core feeds to a GPU, against those it makes itself",
        ours,
        reference,
        ours / reference,
        "views/s",
    )


def median_cpu_seconds(call: Callable[[], object], repeat: int = 5) -> float:
    """Median processor time of calls after one that is not counted: other work on the machine hardly matters."""
    times = []
    for _ in range(repeat + 1):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def _sweep_of_five_seeds(root: Path) -> dict[str, object]:
    """The default settings of the sweep, with the noise seeds of the plan."""
    smoothing = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))["smoothing"]
    del smoothing["shards"]
    return smoothing | {"seeds": list(range(NOISE_SEEDS))}


def _jpeg() -> bytes:
    """A made-up photograph of 500 x 375 pixels: smooth shapes and a little grain."""
    draw = np.random.default_rng(0)
    shapes = Image.fromarray(draw.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize(
        (500, 375), Image.Resampling.BICUBIC
    )
    grain = draw.normal(0, 4, (375, 500, 3))
    buffer = io.BytesIO()
    Image.fromarray((np.asarray(shapes) + grain).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def least_plans(folder: Path) -> list[Plan]:
    """For each number of shards the least that a dry run of the whole sweep took.

    The sizes take turns, since what else a machine does comes and goes within minutes.
    """
    rounds = [[plan_of(folder, shards) for shards in SHARDS] for _ in range(REPEAT)]
    return [Plan(*map(min, zip(*plans, strict=True))) for plans in zip(*rounds, strict=True)]


def plan_of(folder: Path, shards: int) -> Plan:
    """What one dry run of the whole sweep in so many shards took."""
    change_config(folder, {"smoothing": {"shards": shards}})
    return dry_run(folder, "demo")[0]


def dry_run(folder: Path, target: str) -> tuple[Plan, str]:
    """Plan `target` once; what it took and what was printed."""
    command = [sys.executable, "-m", "snakemake", target, "--dry-run", "--quiet", "rules", "host"]
    start = time.perf_counter()
    cpu_seconds, memory, text = launched(command, folder)
    return Plan(sum(planned_by_rule(text).values()), time.perf_counter() - start, cpu_seconds, memory), text


def launched(command: Sequence[str], folder: Path) -> tuple[float, float, str]:
    """Processor seconds and peak memory (MB) of a command, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout)
    cpu_seconds, kilobytes = map(float, done.stdout.splitlines()[-1].split())
    return cpu_seconds, kilobytes / 1024, done.stdout


def plain_environment() -> dict[str, str]:
    """As a user's shell has it: what we ask of the memory allocator is meant for jobs."""
    return {name: value for name, value in environment().items() if not name.startswith("MALLOC_")}


def write_table(path: Path, plans: Sequence[Plan]) -> None:
    """One row for each size, with the processor time and memory that each further job costs."""
    with whole_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("shards", *Plan._fields, "ms_per_job", "kB_per_job"))
        for shards, plan, before in zip(SHARDS, plans, (None, *plans), strict=False):
            writer.writerow((shards, *plan, *(per_job(plan, before) if before else ("", ""))))


def per_job(plan: Plan, before: Plan) -> tuple[float, float]:
    """Milliseconds and kB by which a job more makes the head slower and larger."""
    jobs = plan.jobs - before.jobs
    return 1000 * (plan.cpu_seconds - before.cpu_seconds) / jobs, 1024 * (plan.memory - before.memory) / jobs
