"""Threads, and the device that a job computes on."""

import argparse
import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a script that only moves files or tables should not pay for importing torch
    import torch


def prepare_compute(arguments: argparse.Namespace) -> "torch.device":
    """Set the thread count and choose the device: a GPU where one was granted and is there, else the CPU."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.allow_tf32 = False  # a prediction is promised in float32
    torch.backends.cudnn.deterministic = True  # equal weights are promised, also after a kill
    if not (arguments.gpu and torch.cuda.is_available()):
        return torch.device("cpu")
    identities = [str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())]
    return torch.device("cuda", claim_first_free(identities))


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
