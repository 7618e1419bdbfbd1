"""Configuration, and the helpers that turn it into inputs and parameters of the rules."""

import contextvars
import functools
import importlib
import json
import os
import re
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml
from snakemake import persistence
from snakemake.io import strip_wildcard_constraints
from snakemake.jobs import Job

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from pipeline.digest import digest
from pipeline.jobs.lifetime import HEAD, head_here
from pipeline.jobs.surroundings import usable_gpus
from spurious import configuration
from spurious.experiments.catalogue import catalogues, setting, takes_part
from spurious.errors import SpuriousError, reason_of

# A busy neighbour makes spinning OpenMP threads several times slower than sleeping ones, and memory that is
# handed back to the system after every large tensor costs a quarter of a training step. oneDNN keeps what it made
# for every shape of image that it met, more than a network needs.
for name, value in {
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
}.items():
    os.environ.setdefault(name, value)

# A job ends when this process does: else it would go on beside the job that the next run starts in its place.
os.environ[HEAD] = head_here()

# The rules call "python": the one that runs snakemake, whether or not its environment was activated.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]))


def check_before_any_work():
    """End with one line where the configuration or the results folder would make a job fail later."""
    schema = yaml.safe_load((Path(workflow.basedir) / "workflow/schemas/config.schema.yaml").read_text())
    try:
        configuration.check(config, schema)
        os.makedirs("results", exist_ok=True)
        tempfile.TemporaryFile(dir="results").close()
    except SpuriousError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: results: cannot be written ({error.strerror}); make it a writable folder")


check_before_any_work()


def keep_records_of_failed_jobs():
    """Let a job that failed stay incomplete, with the record of its last success.

    Snakemake 9 removes its outputs and records it as finished with the new parameters and inputs, or forgets it. The
    next run then takes everything made from the old outputs for up to date: a changed setting would never arrive.
    """
    recorder = getattr(persistence, "PersistenceBase", None) or persistence.Persistence
    if getattr(recorder, "keeps_records_of_failed_jobs", False):  # this file is read once, but in tests
        return
    failing = contextvars.ContextVar("failing", default=False)
    postprocess, finished = Job.postprocess, recorder.finished

    async def noting_failure(job, *arguments, error=False, **options):
        token = failing.set(error)
        try:
            await postprocess(job, *arguments, error=error, **options)
        finally:
            failing.reset(token)

    async def finished_unless_failed(self, job):
        if not failing.get():
            await finished(self, job)

    def forget_nothing(self, job):
        """Called for a job whose outputs were found to be wrong."""

    Job.postprocess, recorder.finished, recorder.cleanup = noting_failure, finished_unless_failed, forget_nothing
    recorder.keeps_records_of_failed_jobs = True


keep_records_of_failed_jobs()


def limit_gpu_jobs():
    """On one machine run as many GPU jobs at once as it has GPUs; without any, let them compute on the CPU.

    --resources gpu=N says otherwise, and on a cluster the scheduler knows. A number in the profile could not tell a
    machine without a GPU from one with eight.
    """
    on_this_machine = workflow.is_main_process and workflow.resource_settings.nodes is None
    if on_this_machine and "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", usable_gpus())


limit_gpu_jobs()


EXPERIMENTS = {name: configuration.experiment(config, name) for name in config["experiments"]}


def one_of(patterns):
    """A regular expression for one of these, which are tried in their order; none matches nothing."""
    return "|".join(dict.fromkeys(patterns)) or "(?!)"


def classifiers_by_name():
    """Those of all datasets, the longest names first."""
    names = {name for settings in EXPERIMENTS.values() for name in settings["classifiers"]}
    return one_of(map(re.escape, sorted(names, key=lambda name: (-len(name), name))))


def searches_of_figures():
    """The searches of a dataset, behind the names of its classifiers.

    In found-cnn-slow-logit nothing but what stands before it tells whether the search is "logit" or "slow-logit", and
    another dataset may have other names. The configuration was refused where both would be right.
    """
    return one_of(
        f"(?<={re.escape(f'results/{dataset}/figures/{kind}-{classifier}-')}){re.escape(search)}"
        for dataset, settings in EXPERIMENTS.items()
        for classifier, search in configuration.searched(settings)
        for kind in ("found", "overview")
    )


wildcard_constraints:
    dataset="[A-Za-z0-9_.-]+",
    classifier=classifiers_by_name(),
    seed="[0-9]+",
    search=searches_of_figures(),
    label="[0-9]+",
    shard="[0-9]+",
    negatives="none|uniform|normal|backworked",
    target="none|uniform|extra",


@functools.cache
def experiment(dataset):
    """The configuration in force for a dataset: its overrides merged into the rest."""
    return configuration.experiment(config, dataset)


def code(program):
    """What stands for the code of a program among a job's parameters."""
    return digest(program.removesuffix(".py"))


def threads_of(stage):
    """A parameter function: the threads of the jobs of a stage."""

    def threads(wildcards):
        return experiment(wildcards.dataset)["threads"][stage]

    return threads


training_threads = threads_of("training")

backworking_threads = threads_of("backworking")

retraining_threads = threads_of("retraining")

smoothing_threads = threads_of("smoothing")

linear_threads = threads_of("linear")

fooling_threads = threads_of("fooling")

black_box_threads = threads_of("black_box")

transfer_threads = threads_of("transfer")


def seeds_of(dataset):
    return experiment(dataset)["experiment"]["seeds"]


def seeds_of_wildcards(wildcards):
    return seeds_of(wildcards.dataset)


def labels_of(dataset):
    return range(experiment(dataset)["datasets"][dataset].get("classes", 10))


def results_of(datasets):
    """Every table and figure of the datasets, where they come from, and what the report's front page says of them."""
    kinds = (files_of_results, example_figures, provenance_of)
    return [path for dataset in datasets for of in kinds for path in of(dataset)] + [*map(summary_of, datasets)]
