"""Threads, and the device that a job computes on."""

import argparse
import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.jobs.progress import tell
from spurious.errors import reason_of

if TYPE_CHECKING:  # a script that only moves files or tables should not pay for importing torch
    import torch

PROCESSOR = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # what Linux calls the instructions, of x86 and of Arm


def prepare_compute(arguments: argparse.Namespace) -> "torch.device":
    """Set the thread count and choose the device: a GPU where one was granted and is there, else the CPU.

    A GPU that was granted and cannot be used is named on the terminal: the CPU computes in another precision.
    """
    import torch

    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.allow_tf32 = False  # a prediction is promised in float32
    torch.backends.cudnn.deterministic = True  # equal weights are promised, also after a kill
    if not (arguments.gpu and torch.cuda.is_available()):
        if arguments.gpu:
            tell(f"note: a GPU was granted, but torch cannot use it ({why_no_gpu()}); the CPU computes, in float32")
        return torch.device("cpu")
    identities = [str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())]
    return torch.device("cuda", claim_first_free(identities))


def name_of(device: "torch.device") -> str:
    """What a record calls a device: "cpu", or the model of the GPU."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def why_no_gpu() -> str:
    """Why torch sees no GPU, in words."""
    import torch

    if not (torch.version.cuda or torch.version.hip):
        return "this build of torch is for the CPU only"
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return "CUDA_VISIBLE_DEVICES names none"
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return reason_of(error)
    return "it finds none"


def granted_cpus() -> int:
    """How many CPUs this process may keep busy: those that Slurm granted to its task, or those that it can run on.

    Where Slurm binds no task to its CPUs a process can run on all of the node's.
    """
    can_run_on = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE") or ""
    return min(int(granted), can_run_on) if granted.isdecimal() else can_run_on


def note_slow_precision(precision: str, device: "torch.device") -> None:
    """Say on the terminal where bfloat16 is slower than float32."""
    if precision == "bfloat16" and device.type == "cpu" and is_slow_in_bfloat16():
        tell("note: this processor has no instructions for bfloat16 and is slower with it; set precision: float32")


def is_slow_in_bfloat16() -> bool:
    """Whether the processor has no instructions for bfloat16; False where the system does not tell."""
    try:
        return BFLOAT16.isdisjoint(PROCESSOR.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return False


def claim_first_free(names: Sequence[str]) -> int:
    """Index of the first of these devices that no other process of this user on this machine has claimed.

    It is held until this process ends, however it ends. Where all are taken it is 0: devices are shared then. So they
    are where the folder of temporary files knows no locks, as on some network drives.
    """
    for index, name in enumerate(names):
        path = Path(tempfile.gettempdir(), f"spurious-{os.getuid()}-{name}.lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return index
        except BlockingIOError:
            os.close(handle)
        except OSError:  # the file system knows no locks
            os.close(handle)
            break
    return 0
