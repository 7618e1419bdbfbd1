"""A job ends with the snakemake that started it: an orphan would write its files beside the job of the next run."""

import contextlib
import os
import select
import threading
from typing import NoReturn

HEAD = "SPURIOUS_HEAD"  # set for the jobs: "<process id of snakemake>@<where that id means this process>"
BOOT = "/proc/sys/kernel/random/boot_id"  # another on every machine
ENDS = b"error: the snakemake that started this job has ended, and so does the job; start snakemake again\n"


def head_here() -> str:
    """This process, as the jobs that it starts are to find it in the variable HEAD."""
    return f"{os.getpid()}@{_place_of_pids()}"


def end_with_pipeline() -> None:
    """Let this process end as soon as the snakemake that started it, or the shell between the two, has ended.

    Without effect where no snakemake started it, where process ids mean something else (another host or container),
    and on systems other than Linux. Before it ends it says why, in one line.
    """
    pid, _, place = os.environ.get(HEAD, "").partition("@")
    if not pid or not place or place != _place_of_pids() or not hasattr(os, "pidfd_open"):
        return
    ancestors = _ancestors()
    if int(pid) not in ancestors:  # ended while this process was starting
        _end()
    for watched in ancestors[: ancestors.index(int(pid)) + 1]:
        threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(pid: int) -> None:
    """End this process when `pid` has ended; return where the system lets nobody wait for it."""
    try:
        select.select([os.pidfd_open(pid)], [], [])
    except ProcessLookupError:  # it has ended already
        pass
    except OSError:
        return
    _end()


def _end() -> NoReturn:
    """End this process at once, with one line on standard error where somebody still reads it."""
    with contextlib.suppress(OSError):
        os.write(2, ENDS)
    os._exit(1)


def _ancestors() -> list[int]:
    """The process ids of the parent, its parent, and so on."""
    found, pid = [], os.getppid()
    while pid > 0:
        found.append(pid)
        pid = _parent(pid)
    return found


def _parent(pid: int) -> int:
    """The parent of a process; 0 where there is none, or none any more."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])  # behind the name, which may hold anything
    except OSError:
        return 0


def _place_of_pids() -> str:
    """What tells the process ids of one host or container from those of another; empty where that is not known.

    The first namespace of process ids has the same number on every host, so the boot is beside it.
    """
    try:
        with open(BOOT, encoding="ascii") as file:
            return f"{file.read().strip()}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""
