"""What we change around us: in Snakemake, and in the environment of the jobs. Only where we are not another's module.

Each piece says why. tests/workflow/test_compat.py fails where a version of Snakemake breaks one, or needs it no longer.
"""

import contextvars
import gc
import os
import sys
import threading
from pathlib import Path
from types import FunctionType

from snakemake import common, persistence
from snakemake.jobs import Job
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.settings.enums import Quietness

from pipeline.jobs.lifetime import HEAD, head_here
from pipeline.jobs.surroundings import usable_gpus


def original(owner, name):
    """What Snakemake has there, also where this file was read before, as in tests: it is replaced again."""
    kept = f"original_{name}"
    if not hasattr(owner, kept):
        setattr(owner, kept, getattr(owner, name))
    return getattr(owner, kept)


def set_environment_of_jobs():
    """How the jobs use cores and memory, which `python` they run, and with which process they end."""
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


def keep_records_of_failed_jobs():
    """Let a job that failed stay incomplete, with the record of its last success (snakemake/snakemake#3808).

    Snakemake 9 removes its outputs and records it as finished with the new parameters and inputs, or forgets it (where
    it ended without its outputs). The next run then takes everything made from the old outputs for up to date: a changed
    setting would never arrive. Nothing public says what is recorded of a failure.
    """
    recorder = getattr(persistence, "PersistenceBase", None) or persistence.Persistence
    failing = contextvars.ContextVar("failing", default=False)
    postprocess, finished = original(Job, "postprocess"), original(recorder, "finished")

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


def limit_gpu_jobs():
    """On one machine run as many GPU jobs at once as it has GPUs; without any, let them compute on the CPU.

    --resources gpu=N says otherwise, and on a cluster the scheduler knows. A number in the profile could not tell a
    machine without a GPU from one with eight, and a Snakefile has no word for it (snakemake/snakemake#1866).
    """
    on_this_machine = workflow.is_main_process and workflow.resource_settings.nodes is None
    if on_this_machine and "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", usable_gpus())


def look_again_once():
    """Let the scheduler have one timer that wakes it to count the started jobs again.

    Snakemake starts one whenever it wakes, for a job that has ended or for a timer: each job adds a timer for good, and
    after a hundred jobs a hundred threads a second are started that find nothing to do. The pull request snakemake/snakemake#3744 (open)
    sees the same loop run too often and takes out the waking for a job that has ended; the timers would stay, for which
    no issue is known. Both names are private, since nothing public decides when the scheduler looks.
    """

    def look_again(self, delay):
        if not getattr(self, "will_look_again", False):
            self.will_look_again = True
            threading.Timer(delay, wake, (self,)).start()

    def wake(scheduler):
        scheduler.will_look_again = False
        scheduler._open_jobs.release()

    JobScheduler._schedule_reevalutation = look_again


def leave_out_requests_for_gpus():
    """Where `--resources gpu=0` says that the CPU computes, take no entry of set-resources that asks for a GPU.

    Snakemake clamps the number alone: jobs would still name the partition and the model, and wait for them. No issue of
    Snakemake or of its plugin for Slurm is known. The parsed entries are private: the public ones, which a profile and
    the command line gave, are frozen, and were read before any Snakefile.
    """
    gpus, entries = workflow.global_resources.get("gpu"), workflow.resource_settings._parsed_overwrite_resources
    if gpus is not None and gpus.value == 0 and workflow.resource_settings.nodes is not None:
        for name in [name for name, requested in entries.items() if "gpu" in requested]:
            del entries[name]


def read_signatures_once():
    """Read the parameters of a function once for all that share its code: a twentieth of the time of a large plan.

    Snakemake reads them at every call, and makes many of the functions anew for every job. It looks at names and kinds
    only, which are those of the code; where a function has other parameters than its code, it is asked as before.
    """
    read, known = original(common, "get_function_params"), {}

    def get_function_params(function):
        if not isinstance(function, FunctionType) or vars(function):
            return read(function)
        if function.__code__ not in known:
            known[function.__code__] = read(function)
        return known[function.__code__]

    common.get_function_params = get_function_params


def format_no_job_unseen():
    """In a dry run that prints no jobs (--quiet rules), format none of them: a fifth of the time of a large plan."""
    log_info, unseen = original(Job, "log_info"), {Quietness.RULES, Quietness.ALL}

    def log_what_is_seen(job, *arguments, **options):
        # asked here: while this file is read nobody knows yet that it is a dry run
        if not (workflow.dryrun and unseen & set(workflow.output_settings.quiet or ())):
            log_info(job, *arguments, **options)

    Job.log_info = log_what_is_seen


def collect_less_often():
    """Look for garbage after more allocations: a tenth of the time of a large plan.

    Of a plan nearly nothing is garbage, and each look goes through all of it. A plan of 3,600 jobs took 7.2 and 7.3 s of
    processor time, without this 8.2 and 8.4 s (runs in turn, on a machine with other work).
    """
    gc.set_threshold(100_000)


def check_planned_jobs(fault_of):
    """End in one line where `fault_of` (rule's name, wildcards) says what will make a planned job fail, else None.

    Snakemake asks only whether outputs may be overwritten, and that at a place which sees planned jobs alone, in a dry
    run, too: what is finished is not asked about. No issue is known; there is no hook for what a workflow knows.
    """
    check = original(Job, "check_protected_output")

    async def check_job(job):
        await check(job)
        if fault := fault_of(job.rule.name, job.wildcards):
            sys.exit(f"error: {fault}")

    Job.check_protected_output = check_job


if not IS_MODULE:
    read_signatures_once()
    format_no_job_unseen()
    collect_less_often()
    set_environment_of_jobs()
    keep_records_of_failed_jobs()
    limit_gpu_jobs()
    look_again_once()
    leave_out_requests_for_gpus()
