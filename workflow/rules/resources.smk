"""What jobs ask a scheduler for, measured as docs/cluster-resources.md says; another attempt asks for more.

A job's threads are at most the cores of the head, which may be a small job itself: cpus_per_task says the number again.
The account, the partition and the kind of GPU belong to a profile. On one machine nothing is limited by these numbers.
"""

CONTEXT_MB = 3000  # of a CUDA context and its libraries in the memory of the host; 750 were measured on an H100
GPUS_AT_MOST = workflow.global_resources.get("gpu")  # None on a cluster where --resources does not name them
SMALL_MB, SMALL_MIN = 2000, 15  # of what is not measured
RESULT_MIN = 5  # of a table or figure, which takes seconds


# Tables and figures of a group take turns, so that it asks for the CPU and the memory of one of them. Each group of a
# cluster has a turn of its own; on one machine there are no groups, and nobody waits.
resource_scopes:
    turn="local",


if workflow.is_main_process and workflow.resource_settings.nodes is not None and not IS_MODULE:
    workflow.register_resource("turn", 1)


@functools.cache
def growing(amount):
    """A resource function: the amount times the number of the attempt, counted from 1."""

    def of_attempt(wildcards, attempt):
        return amount * attempt

    return of_attempt


def with_gpu(memory_mb):
    """A resource function: the memory of a job on a GPU, or on the CPU where `--resources gpu=0` says so."""
    on_cpu = GPUS_AT_MOST is not None and GPUS_AT_MOST.value == 0
    return growing(memory_mb + (0 if on_cpu else CONTEXT_MB))


def by_size(wildcards, input, attempt):
    """A resource function: the memory of a job that holds its inputs, which took 4.2 times the votes of a sweep."""
    # input.size_mb starts coroutines, which nobody awaits while a report is made.
    size_mb = sum(map(os.path.getsize, input)) / 2**20
    return max(SMALL_MB, round(6 * size_mb)) * attempt
